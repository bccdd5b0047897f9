import { accelerateFsdp, fsdpSettingsOf, fsdpVersionOf, strategyNamed } from '../rules-support/fsdp';
import { scalarOf } from '../settings';
import { rule } from './rule';

/** Reports FSDP that is told not to shard. */
export const noShardIsReplication = rule({
  id: 'no-shard-is-replication',
  severity: 'information',
  applies: ['accelerate'],
  needs: ['fsdp_config'],
  why: 'NO_SHARD keeps the whole model on every GPU, as DDP does, with the restrictions of FSDP. torch has deprecated it and prints a FutureWarning.',
  source: ['torch/distributed/fsdp/_init_utils.py:439 (2.13.0)'],
  verified: 'read',
  examples: {
    bad: [
      {
        files: accelerateFsdp(
          'fsdp_version: 1\nfsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP\nfsdp_sharding_strategy: NO_SHARD',
        ),
      },
    ],
    good: [
      {
        files: accelerateFsdp(
          'fsdp_version: 1\nfsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP\nfsdp_sharding_strategy: FULL_SHARD',
        ),
      },
    ],
  },
  check({ config, run, report }) {
    const settings = fsdpSettingsOf(config, run);
    const found = settings?.get('sharding_strategy');
    if (!settings || !found || fsdpVersionOf(settings, run) !== 1) return;
    const value = scalarOf(found)?.value;
    if (value !== 3 && strategyNamed(String(value)) !== 'NO_SHARD') return;
    report({
      at: found,
      message: `${found.path} ${String(value)} keeps the whole model on every GPU; distributed_type MULTI_GPU does the same without FSDP, and torch has deprecated it.`,
    });
  },
});
