import { offloadDeviceOf, stageOf } from '../rules-support/zero';
import { scalarOf, setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports NVMe offload at stage 3 that names no folder. */
export const nvmePathMissing = rule({
  id: 'nvme-path-missing',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['zero_optimization.offload_optimizer.device', 'zero_optimization.offload_param.device'],
  why: 'The swapper joins nvme_path with the names of its files while the engine is built: without a path the job stops there, for the optimizer with a TypeError that does not name the key.',
  source: [
    'deepspeed/runtime/zero/partition_parameters.py:1216 (0.19.6) offload_param',
    'deepspeed/runtime/zero/stage3.py:791 (0.19.6) offload_optimizer',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3, "offload_optimizer": { "device": "nvme" } } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3, "offload_optimizer": { "device": "nvme", "nvme_path": "/local_nvme" } } }',
      },
    ],
  },
  check({ config, run, report }) {
    if (stageOf(run) !== 3) return;
    for (const section of ['offload_optimizer', 'offload_param'] as const) {
      const device = setting(config, `zero_optimization.${section}.device`);
      if (!device?.node || offloadDeviceOf(config, section) !== 'nvme') continue;
      const path = setting(config, `zero_optimization.${section}.nvme_path`);
      if (path && scalarOf(path)?.type !== 'null') continue;
      report({
        at: device,
        message: `${section} goes to NVMe, but no nvme_path says where. DeepSpeed stops while it builds the engine.`,
        fixes: [{ title: 'Offload to host memory instead', edits: replaceValue(config.file, device.node, 'cpu') }],
      });
    }
  },
});
