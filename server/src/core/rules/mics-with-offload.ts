import { offloadDeviceOf, removeFix, stageOf } from '../rules-support/zero';
import { isAtLeast, statedVersion } from '../schema/versions';
import { numberOf, setting } from '../settings';
import { rule } from './rule';

/** Reports MiCS together with an offloaded optimizer. */
export const micsWithOffload = rule({
  id: 'mics-with-offload',
  severity: 'warning',
  applies: ['deepspeed'],
  needs: ['zero_optimization.mics_shard_size'],
  why: 'MiCS reduces gradients between its shard groups on the GPU. With gradients on the host DeepSpeed raises at the end of the first accumulation, unless there is one group only.',
  source: ['deepspeed/runtime/zero/mics.py:422 (0.19.6)'],
  verified: 'read',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3, "mics_shard_size": 8, "offload_optimizer": { "device": "cpu" } } }',
      },
    ],
    good: [
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3, "mics_shard_size": -1, "offload_optimizer": { "device": "cpu" } } }',
          'shardlens.json': '{ "frameworks": { "deepspeed": "0.16.9" } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    const version = statedVersion(run, 'deepspeed');
    // From there on the key itself is refused: removed-deepspeed-key.
    if (version !== undefined && isAtLeast(version, '0.19.7')) return;
    const found = setting(config, 'zero_optimization.mics_shard_size');
    const size = numberOf(found);
    const device = offloadDeviceOf(config, 'offload_optimizer');
    const offload = setting(config, 'zero_optimization.offload_optimizer');
    if (!found || !offload || size === undefined || size <= 0 || stageOf(run) !== 3) return;
    if ((device !== 'cpu' && device !== 'nvme') || (run.worldSize.known && run.worldSize.value <= size)) return;
    report({
      at: [found, offload],
      message: `mics_shard_size ${size} does not work with offload_optimizer on ${device} once there is more than one shard group. DeepSpeed stops at the end of the first accumulation.`,
      fixes: [removeFix(found), removeFix(offload)],
    });
  },
});
