import { accelerateFsdp, fsdpSettingsOf, fsdpVersionOf, severityOfRead, truthOf } from '../rules-support/fsdp';
import { scalarOf } from '../settings';
import { replaceValue, setPath } from '../syntax/editing';
import { rule } from './rule';

/** Reports recomputation by FSDP 2 where nothing is wrapped. */
export const checkpointingWithoutUnits = rule({
  id: 'checkpointing-without-units',
  severity: 'error',
  applies: ['fsdp', 'accelerate'],
  why: 'FSDP 2 recomputes the units that the wrap policy names. Without a policy Accelerate calls one that is None, and the job stops with a TypeError when the model is wrapped.',
  source: [
    'accelerate src/accelerate/utils/fsdp_utils.py:721 (1.15.0) fsdp2_apply_ac',
    'accelerate src/accelerate/utils/fsdp_utils.py:925 (1.15.0) no policy with NO_WRAP',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        name: 'accelerate.yaml',
        files: accelerateFsdp('fsdp_version: 2\nfsdp_auto_wrap_policy: NO_WRAP\nfsdp_activation_checkpointing: true'),
      },
      { name: 'accelerate.yaml', files: accelerateFsdp('fsdp_version: 2\nfsdp_activation_checkpointing: true') },
      {
        files: {
          'fsdp_config.json': '{ "version": 2, "auto_wrap_policy": "NO_WRAP", "activation_checkpointing": true }',
          'shardlens.json': '{ "frameworks": { "transformers": "5.23.0" } }',
        },
      },
    ],
    good: [
      {
        name: 'accelerate.yaml',
        files: accelerateFsdp(
          'fsdp_version: 2\nfsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP\nfsdp_activation_checkpointing: true',
        ),
      },
      {
        name: 'accelerate.yaml',
        files: accelerateFsdp('fsdp_version: 1\nfsdp_auto_wrap_policy: NO_WRAP\nfsdp_activation_checkpointing: true'),
      },
    ],
  },
  check({ config, run, report }) {
    const settings = fsdpSettingsOf(config, run);
    const checkpointing = settings?.get('activation_checkpointing');
    if (!settings || !checkpointing?.node || truthOf(checkpointing) !== true) return;
    if (fsdpVersionOf(settings, run) !== 2) return;
    const policy = settings.get('auto_wrap_policy');
    const word = policy ? scalarOf(policy)?.value : settings.reader === 'accelerate' ? 'NO_WRAP' : undefined;
    const kind = typeof word === 'string' ? word.toUpperCase() : undefined;
    const size = settings.get('min_num_params');
    const wrapsNothing =
      kind === 'NO_WRAP' ||
      (kind === 'SIZE_BASED_WRAP' && (size ? scalarOf(size)?.value === 0 : settings.reader === 'trainer'));
    if (!wrapsNothing) return;
    report({
      at: policy ? [checkpointing, policy] : checkpointing,
      severity: severityOfRead(settings, run),
      message: `${checkpointing.path} recomputes the units of FSDP 2, and ${policy ? `${policy.path} ${kind ?? ''} makes` : 'without an auto_wrap_policy there are'} none; the job stops with a TypeError when the model is wrapped.`,
      fixes: [
        {
          title: 'Use TRANSFORMER_BASED_WRAP',
          edits: policy?.node
            ? replaceValue(config.file, policy.node, 'TRANSFORMER_BASED_WRAP')
            : setPath(config.file, config.root, settings.name('auto_wrap_policy'), 'TRANSFORMER_BASED_WRAP'),
        },
        {
          title: `Set ${checkpointing.path} to false`,
          edits: replaceValue(config.file, checkpointing.node, false),
        },
      ],
    });
  },
});
