import { accelerateFsdp, fsdpSettingsOf, fsdpVersionOf, severityOfRead } from '../rules-support/fsdp';
import { numberOf, scalarOf } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports wrapping by size in FSDP 2, which meets the list that holds the layers. */
export const sizeWrapByFsdp2 = rule({
  id: 'size-wrap-by-fsdp-2',
  severity: 'warning',
  applies: ['fsdp', 'accelerate'],
  why: 'By size, Accelerate wraps every module above min_num_params. The ModuleList that holds the layers is one of them as soon as the layers together are, and fully_shard raises a ValueError for it, since a list has no forward.',
  source: [
    'accelerate src/accelerate/utils/fsdp_utils.py:940 (1.15.0) fsdp2_prepare_auto_wrap_policy',
    'accelerate src/accelerate/utils/fsdp_utils.py:855 (1.15.0) fully_shard of each module',
    'torch/distributed/fsdp/_fully_shard/_fully_shard.py (2.13) containers that do not implement forward',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        name: 'accelerate.yaml',
        files: accelerateFsdp('fsdp_version: 2\nfsdp_auto_wrap_policy: SIZE_BASED_WRAP\nfsdp_min_num_params: 1000'),
      },
    ],
    good: [
      {
        name: 'accelerate.yaml',
        files: accelerateFsdp('fsdp_version: 1\nfsdp_auto_wrap_policy: SIZE_BASED_WRAP\nfsdp_min_num_params: 1000'),
      },
      {
        name: 'accelerate.yaml',
        files: accelerateFsdp('fsdp_version: 2\nfsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP'),
      },
    ],
  },
  check({ config, run, report }) {
    const settings = fsdpSettingsOf(config, run);
    const policy = settings?.get('auto_wrap_policy');
    const word = scalarOf(policy)?.value;
    if (!settings || !policy?.node || typeof word !== 'string' || word.toUpperCase() !== 'SIZE_BASED_WRAP') return;
    const size = settings.get('min_num_params');
    const least = numberOf(size);
    if (fsdpVersionOf(settings, run) !== 2 || !size || least === undefined || least <= 0) return;
    const isLarge =
      run.model.known && run.model.value.confidence !== 'low' && run.model.value.parameters.total > 2 * least;
    report({
      at: [policy, size],
      severity: isLarge ? severityOfRead(settings, run) : 'warning',
      message: `SIZE_BASED_WRAP does not work with FSDP 2: the list of layers, with more than ${least} parameters in all, is wrapped as well, and torch stops on it when the model is wrapped.`,
      fixes: [
        {
          title: 'Use TRANSFORMER_BASED_WRAP',
          edits: replaceValue(config.file, policy.node, 'TRANSFORMER_BASED_WRAP'),
        },
      ],
    });
  },
});
