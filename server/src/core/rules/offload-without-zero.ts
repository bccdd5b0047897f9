import { offloadDeviceOf, removeFix, stageFix, stageOf } from '../rules-support/zero';
import { setting, stringOf } from '../settings';
import { rule } from './rule';

/** Reports optimizer offload without ZeRO. */
export const offloadWithoutZero = rule({
  id: 'offload-without-zero',
  severity: 'warning',
  applies: ['deepspeed', 'accelerate'],
  needs: ['zero_optimization.offload_optimizer', 'deepspeed_config.offload_optimizer_device'],
  why: 'Offload is a part of ZeRO. At stage 0 no ZeRO optimizer is built, yet DeepSpeed still builds its CPU Adam for parameters that stay on the GPU, whose step then fails.',
  source: ['deepspeed/runtime/engine.py:1232 (0.19.6)', 'deepspeed/ops/adam/cpu_adam.py:138 (0.19.6)'],
  verified: 'read',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 0, "offload_optimizer": { "device": "cpu" } } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 1, "offload_optimizer": { "device": "cpu" } } }',
      },
    ],
  },
  check({ config, run, report }) {
    if (stageOf(run) !== 0) return;
    const inAccelerate = config.dialect === 'accelerate';
    if (inAccelerate && run.configs.deepspeed) return;
    const found = setting(
      config,
      inAccelerate ? 'deepspeed_config.offload_optimizer_device' : 'zero_optimization.offload_optimizer',
    );
    const device = inAccelerate ? stringOf(found) : offloadDeviceOf(config, 'offload_optimizer');
    if (!found || (device !== 'cpu' && device !== 'nvme')) return;
    report({
      at: found,
      message: inAccelerate
        ? 'offload_optimizer_device needs ZeRO stage 1 or higher; at stage 0 the optimizer stays on the GPU.'
        : "offload_optimizer needs ZeRO stage 1 or higher; at stage 0 nothing is offloaded, and DeepSpeed's CPU Adam stops at the first step because the parameters are on the GPU.",
      fixes: [...stageFix(config, 2), removeFix(found)],
    });
  },
});
