import {
  accelerateFsdp,
  type FsdpSettings,
  fsdpSettingsOf,
  fsdpVersionOf,
  type STRATEGIES,
  severityOfRead,
  strategyNamed,
  truthOf,
} from '../rules-support/fsdp';
import { type Setting, scalarOf } from '../settings';
import { setPath } from '../syntax/editing';
import { rule } from './rule';

/** Reports reshard_after_forward values that the FSDP version of the run does not take or does not read. */
export const reshardForOtherVersion = rule({
  id: 'reshard-for-other-version',
  severity: 'error',
  applies: ['fsdp', 'accelerate'],
  why: 'In FSDP 2 reshard_after_forward is true or false, and a strategy name raises a ValueError. In FSDP 1 the strategy comes from sharding_strategy alone: Accelerate 1.15 ignores reshard_after_forward, so HYBRID_SHARD written there runs as FULL_SHARD.',
  source: [
    'accelerate src/accelerate/utils/dataclasses.py:1855 (1.15.0) FSDP 2 wants a boolean',
    'accelerate src/accelerate/utils/dataclasses.py:1844 (1.15.0) FSDP 1 prefers sharding_strategy',
    'transformers src/transformers/training_args.py:2817 (5.18.0)',
  ],
  verified: 'run',
  examples: {
    bad: [
      { name: 'accelerate.yaml', files: accelerateFsdp('fsdp_version: 2\nfsdp_reshard_after_forward: FULL_SHARD') },
      { name: 'accelerate.yaml', files: accelerateFsdp('fsdp_version: 1\nfsdp_reshard_after_forward: HYBRID_SHARD') },
      {
        files:
          '{ "version": 2, "reshard_after_forward": "shard_grad_op", "transformer_layer_cls_to_wrap": "LlamaDecoderLayer" }',
      },
      {
        files: {
          'fsdp_config.json':
            '{ "version": 1, "reshard_after_forward": true, "transformer_layer_cls_to_wrap": "LlamaDecoderLayer" }',
          'shardlens.json': '{ "frameworks": { "transformers": "5.18.0" } }',
        },
      },
    ],
    good: [
      { name: 'accelerate.yaml', files: accelerateFsdp('fsdp_version: 2\nfsdp_reshard_after_forward: true') },
      { name: 'accelerate.yaml', files: accelerateFsdp('fsdp_version: 1\nfsdp_sharding_strategy: HYBRID_SHARD') },
      {
        name: 'accelerate.yaml',
        files: accelerateFsdp(
          'fsdp_version: 1\nfsdp_sharding_strategy: HYBRID_SHARD\nfsdp_reshard_after_forward: HYBRID_SHARD',
        ),
      },
    ],
  },
  check({ config, run, report }) {
    const settings = fsdpSettingsOf(config, run);
    const reshard = settings?.get('reshard_after_forward');
    if (!settings || !reshard?.node || reshard.node.kind !== 'scalar' || reshard.node.templated) return;
    const version = fsdpVersionOf(settings, run);
    const value = scalarOf(reshard)?.value;
    const strategy = typeof value === 'string' ? strategyNamed(value) : undefined;
    if (version === 2) {
      if (truthOf(reshard) !== undefined || value === null) return;
      report({
        at: reshard,
        severity: severityOfRead(settings, run),
        message: `FSDP 2 takes true or false for ${reshard.path}, not ${String(value)}; the job stops at start-up.`,
        fixes: strategy ? reshardFixes(reshard, strategy) : [],
      });
    }
    if (version === 1) reportVersion1(settings, reshard, strategy);

    function reportVersion1(own: FsdpSettings, found: Setting, named: (typeof STRATEGIES)[number] | undefined): void {
      const truth = truthOf(found);
      if (own.reader === 'trainer' && truth !== undefined && own.get('version')) {
        // The Trainer of transformers 4 does not read the key at all.
        report({
          at: found,
          severity: severityOfRead(own, run),
          message: `FSDP 1 takes no true or false for ${found.path}; from transformers 5.0 on Accelerate stops at start-up with a KeyError. It runs as FULL_SHARD without the key.`,
          fixes: [],
        });
        return;
      }
      if (own.reader === 'accelerate' && truth !== undefined && !own.get('sharding_strategy')) {
        report({
          at: found,
          severity: truth ? 'hint' : 'warning',
          message: truth
            ? `FSDP 1 does not read ${found.path}; it runs as FULL_SHARD, which is what true means in FSDP 2.`
            : `FSDP 1 does not read ${found.path}, so this runs as FULL_SHARD; false would be SHARD_GRAD_OP, in fsdp_sharding_strategy.`,
          fixes: [
            {
              title: `Set fsdp_sharding_strategy to ${truth ? 'FULL_SHARD' : 'SHARD_GRAD_OP'}`,
              edits: setPath(
                config.file,
                config.root,
                own.name('sharding_strategy'),
                truth ? 'FULL_SHARD' : 'SHARD_GRAD_OP',
              ),
            },
          ],
        });
        return;
      }
      if (named === undefined || named === 'FULL_SHARD' || own.get('sharding_strategy')) return;
      report({
        at: found,
        severity: 'warning',
        message: `FSDP 1 does not read ${found.path}, so ${named} runs as FULL_SHARD${own.reader === 'accelerate' ? '; its key is fsdp_sharding_strategy' : ''}.`,
        fixes:
          own.reader === 'accelerate'
            ? [
                {
                  title: `Set fsdp_sharding_strategy to ${named}`,
                  edits: setPath(config.file, config.root, own.name('sharding_strategy'), named),
                },
              ]
            : [],
      });
    }
  },
});

/** What FSDP 2 has for a strategy of FSDP 1; the hybrid ones need a mesh of dp_replicate × dp_shard instead. */
function reshardFixes({ config, node }: Setting, strategy: (typeof STRATEGIES)[number]) {
  if (!node || (strategy !== 'FULL_SHARD' && strategy !== 'SHARD_GRAD_OP')) return [];
  const wanted = strategy === 'FULL_SHARD';
  return [
    {
      title: `Write ${wanted}, which is ${strategy}`,
      preferred: true,
      edits: [{ path: config.file.path, start: node.start, end: node.end, newText: String(wanted) }],
    },
  ];
}
