import { optimizerOf } from '../rules-support/optimizers';
import { setFix, stageOf, zeroOf } from '../rules-support/zero';
import { setting } from '../settings';
import { rule } from './rule';

/** Reports offloaded optimizers that DeepSpeed has no CPU kernel for. */
export const optimizerWithoutCpuKernel = rule({
  id: 'optimizer-without-cpu-kernel',
  severity: 'warning',
  applies: ['deepspeed'],
  needs: ['optimizer.type'],
  why: "DeepSpeed has CPU kernels for Adam, AdamW, Adagrad and Lion. Any other optimizer is handed the offloaded states as they are: torch's step slowly on the host, and Lamb's kernel is one for the GPU.",
  source: ['deepspeed/runtime/engine.py:2150 (0.19.6)'],
  verified: 'read',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "optimizer": { "type": "SGD", "params": { "lr": 1e-4 } }, "zero_allow_untested_optimizer": true, "zero_optimization": { "stage": 2, "offload_optimizer": { "device": "cpu" } } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "optimizer": { "type": "Adagrad", "params": { "lr": 1e-4 } }, "zero_allow_untested_optimizer": true, "zero_optimization": { "stage": 2, "offload_optimizer": { "device": "cpu" } } }',
      },
    ],
  },
  check({ config, run, report }) {
    const optimizer = optimizerOf(config);
    const offload = zeroOf(run)?.offloadOptimizer;
    if (!optimizer || !offload?.known || offload.value === 'none' || !stageOf(run)) return;
    if (HAS_KERNEL.has(optimizer.name)) return;
    report({
      at: [optimizer.found, setting(config, 'zero_optimization.offload_optimizer') ?? optimizer.found],
      message: `DeepSpeed has no CPU kernel for ${optimizer.name}: its offloaded step is a slow one on the host, or fails.`,
      fixes: [setFix(config, optimizer.found.path, 'AdamW')],
    });
  },
});

const HAS_KERNEL = new Set(['adam', 'adamw', 'adagrad', 'lion', 'onebitadam', 'zerooneadam', 'onebitlamb']);
