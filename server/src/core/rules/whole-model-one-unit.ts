import { accelerateFsdp, type FsdpSettings, fsdpSettingsOf } from '../rules-support/fsdp';
import { recipe } from '../rules-support/trainer-recipe';
import { isAtLeast, statedVersion } from '../schema/versions';
import { scalarOf, setting, stringOf } from '../settings';
import { insertEntry, replaceValue, setPath } from '../syntax/editing';
import { rule } from './rule';

/** Reports FSDP without a wrap policy: the whole model is one unit, and gathered at once. */
export const wholeModelOneUnit = rule({
  id: 'whole-model-one-unit',
  severity: 'warning',
  applies: ['accelerate', 'trainer', 'fsdp'],
  why: 'FSDP gathers one unit at a time. Without a wrap policy the whole model is one unit, so every GPU holds all weights from the first layer of the forward pass to the end of the backward pass.',
  source: [
    'accelerate src/accelerate/utils/dataclasses.py:1908 (1.15.0) the default is NO_WRAP',
    'accelerate src/accelerate/utils/fsdp_utils.py:843 (1.15.0)',
    'transformers src/transformers/training_args.py:2010 (4.57.6) auto_wrap',
  ],
  verified: 'run',
  examples: {
    bad: [
      { files: accelerateFsdp('fsdp_version: 2') },
      { files: accelerateFsdp('fsdp_version: 2\nfsdp_auto_wrap_policy: NO_WRAP') },
      { files: accelerateFsdp('fsdp_version: 1\nfsdp_auto_wrap_policy: SIZE_BASED_WRAP\nfsdp_min_num_params: 0') },
      {
        files: {
          'train.yaml': recipe('fsdp: full_shard\n'),
          'shardlens.json': '{ "frameworks": { "transformers": "4.57.6" } }',
        },
      },
    ],
    good: [
      { files: accelerateFsdp('fsdp_version: 2\nfsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP') },
      {
        files: accelerateFsdp(
          'fsdp_version: 1\nfsdp_auto_wrap_policy: SIZE_BASED_WRAP\nfsdp_min_num_params: 100000000',
        ),
      },
      {
        files: {
          'train.yaml': recipe('fsdp: full_shard auto_wrap\n'),
          'shardlens.json': '{ "frameworks": { "transformers": "4.57.6" } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    if (config.dialect === 'trainer') {
      const fsdp = setting(config, 'fsdp');
      const words = stringOf(fsdp);
      const stated = statedVersion(run, 'transformers');
      if (!fsdp?.node || words === undefined || stated === undefined || isAtLeast(stated, '5.10.0')) return;
      if (!/shard/.test(words) || /auto_wrap/.test(words)) return;
      report({
        at: fsdp,
        message: `fsdp "${words}" has no auto_wrap, so transformers ${stated} makes one unit of the whole model: every GPU holds all weights during forward and backward.`,
        fixes: [{ title: 'Add auto_wrap', edits: replaceValue(config.file, fsdp.node, `${words.trim()} auto_wrap`) }],
      });
      return;
    }
    const settings = fsdpSettingsOf(config, run);
    if (!settings) return;
    if (settings.reader === 'trainer') {
      reportTrainer(settings);
      return;
    }
    const section = setting(config, 'fsdp_config');
    if (section?.node?.kind !== 'mapping') return;
    const policy = settings.get('auto_wrap_policy');
    const size = settings.get('min_num_params');
    const word = policy ? scalarOf(policy)?.value : 'NO_WRAP';
    if (typeof word !== 'string') return;
    const kind = word.toUpperCase();
    // Without the key the launcher stops: fsdp-value-unreadable.
    const bySize = kind === 'SIZE_BASED_WRAP' && scalarOf(size)?.value === 0;
    if (kind !== 'NO_WRAP' && !bySize) return;
    const why = bySize
      ? 'SIZE_BASED_WRAP with fsdp_min_num_params 0 wraps nothing'
      : policy
        ? 'NO_WRAP wraps nothing'
        : 'Without fsdp_auto_wrap_policy nothing is wrapped';
    report({
      at: policy ?? section,
      on: policy ? 'value' : 'key',
      message: `${why}: the whole model is one FSDP unit, and every GPU holds all weights during forward and backward.`,
      fixes: [
        {
          title: 'Use TRANSFORMER_BASED_WRAP',
          edits: policy?.node
            ? replaceValue(config.file, policy.node, 'TRANSFORMER_BASED_WRAP')
            : insertEntry(config.file, section.node, 'fsdp_auto_wrap_policy', 'TRANSFORMER_BASED_WRAP'),
        },
        ...(bySize
          ? [
              {
                title: 'Set fsdp_min_num_params to 100000000',
                edits: setPath(config.file, config.root, size?.path ?? 'fsdp_config.fsdp_min_num_params', 100_000_000),
              },
            ]
          : []),
      ],
    });

    /** The Trainer of transformers 5.10 and later; before, it reads no policy. */
    function reportTrainer(own: FsdpSettings): void {
      const policy = own.get('auto_wrap_policy');
      const word = scalarOf(policy)?.value;
      const size = own.get('min_num_params');
      const stated = statedVersion(run, 'transformers');
      if (!policy?.node || (stated !== undefined && !isAtLeast(stated, '5.10.0'))) return;
      const bySize = word === 'SIZE_BASED_WRAP' && (size === undefined || scalarOf(size)?.value === 0);
      if (word !== 'NO_WRAP' && !bySize) return;
      report({
        at: policy,
        message: `${bySize ? 'SIZE_BASED_WRAP without min_num_params' : 'NO_WRAP'} wraps nothing: the whole model is one FSDP unit, and every GPU holds all weights during forward and backward.`,
        fixes: [
          {
            title: 'Use TRANSFORMER_BASED_WRAP',
            edits: replaceValue(config.file, policy.node, 'TRANSFORMER_BASED_WRAP'),
          },
        ],
      });
    }
  },
});
