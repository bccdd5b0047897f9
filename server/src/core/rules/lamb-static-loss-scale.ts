import { optimizerOf } from '../rules-support/optimizers';
import { setFix } from '../rules-support/zero';
import { booleanOf, numberOf, setting } from '../settings';
import { rule } from './rule';

/** Reports LAMB with a fixed loss scale. */
export const lambStaticLossScale = rule({
  id: 'lamb-static-loss-scale',
  severity: 'error',
  applies: ['deepspeed'],
  why: "DeepSpeed's LAMB works with dynamic loss scaling only, and the engine asserts it.",
  source: ['deepspeed/runtime/engine.py:1697 (0.19.6)'],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "fp16": { "enabled": true, "loss_scale": 128 }, "optimizer": { "type": "Lamb", "params": { "lr": 1e-4 } }, "zero_optimization": { "stage": 0 } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "fp16": { "enabled": true, "loss_scale": 0 }, "optimizer": { "type": "Lamb", "params": { "lr": 1e-4 } }, "zero_optimization": { "stage": 0 } }',
      },
    ],
  },
  check({ config, report }) {
    const scale = setting(config, 'fp16.loss_scale');
    const optimizer = optimizerOf(config);
    if (!scale || (optimizer?.name !== 'lamb' && optimizer?.name !== 'onebitlamb')) return;
    if (booleanOf(setting(config, 'fp16.enabled')) !== true || (numberOf(scale) ?? 0) <= 0) return;
    report({
      at: [scale, optimizer.found],
      message: `Lamb needs dynamic loss scaling, and loss_scale ${numberOf(scale)} is a fixed one; DeepSpeed stops when it builds the engine.`,
      fixes: [{ ...setFix(config, scale.path, 0), preferred: true }],
    });
  },
});
