import { offloadDeviceOf, removeFix, stageOf } from '../rules-support/zero';
import { booleanOf, setting } from '../settings';
import { rule } from './rule';

/** Reports torch's Adam stepping on the host. */
export const torchAdamWithOffload = rule({
  id: 'torch-adam-with-offload',
  severity: 'warning',
  applies: ['deepspeed'],
  needs: ['optimizer.params.torch_adam'],
  why: "With torch_adam the offloaded states are stepped by torch's Adam on the CPU instead of DeepSpeed's vectorised one, which is several times faster.",
  source: ['deepspeed/runtime/engine.py:2096 (0.19.6) _configure_basic_optimizer'],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "optimizer": { "type": "AdamW", "params": { "lr": 1e-4, "torch_adam": true } }, "zero_optimization": { "stage": 2, "offload_optimizer": { "device": "cpu" } } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "optimizer": { "type": "AdamW", "params": { "lr": 1e-4 } }, "zero_optimization": { "stage": 2, "offload_optimizer": { "device": "cpu" } } }',
      },
    ],
  },
  check({ config, run, report }) {
    const found = setting(config, 'optimizer.params.torch_adam');
    const device = offloadDeviceOf(config, 'offload_optimizer');
    if (!found || booleanOf(found) !== true || !stageOf(run) || (device !== 'cpu' && device !== 'nvme')) return;
    report({
      at: found,
      message:
        "torch_adam makes torch's Adam step the offloaded states on the CPU; without it DeepSpeed uses its faster CPU Adam.",
      fixes: [{ ...removeFix(found), preferred: true }],
    });
  },
});
