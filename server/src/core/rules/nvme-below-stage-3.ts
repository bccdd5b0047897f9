import { offloadDeviceOf, stageFix, stageOf } from '../rules-support/zero';
import { setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports optimizer offload to NVMe below stage 3. */
export const nvmeBelowStage3 = rule({
  id: 'nvme-below-stage-3',
  severity: 'warning',
  applies: ['deepspeed'],
  needs: ['zero_optimization.offload_optimizer.device'],
  why: 'Stages 1 and 2 know only offload to host memory: "nvme" is handled as "cpu", nothing goes to the disk, and host memory must hold all optimizer states.',
  source: ['deepspeed/runtime/zero/stage_1_and_2.py:186 (0.19.6)'],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2, "offload_optimizer": { "device": "nvme", "nvme_path": "/local_nvme" } } }',
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
    const stage = stageOf(run);
    if (stage !== 1 && stage !== 2) return;
    const device = setting(config, 'zero_optimization.offload_optimizer.device');
    if (!device?.node || offloadDeviceOf(config, 'offload_optimizer') !== 'nvme') return;
    report({
      at: device,
      message: `ZeRO stage ${stage} offloads the optimizer to host memory even where the device is "nvme"; NVMe needs stage 3. Host memory must hold all optimizer states.`,
      fixes: [
        ...stageFix(config, 3),
        { title: 'Set the device to "cpu"', edits: replaceValue(config.file, device.node, 'cpu') },
      ],
    });
  },
});
