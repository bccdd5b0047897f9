import { optimizerOf } from '../rules-support/optimizers';
import { setFix } from '../rules-support/zero';
import { isAtLeast, statedVersion } from '../schema/versions';
import { booleanOf, numberOf, setting } from '../settings';
import { rule } from './rule';

/** Up to 0.17.0 bf16 counted as a fixed loss scale of 1 (deepspeed/runtime/config.py, 0.16.9). */
const CHECKED_SINCE = '0.17.1';

/** Reports LAMB with a fixed loss scale. */
export const lambStaticLossScale = rule({
  id: 'lamb-static-loss-scale',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['optimizer.type'],
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
  check({ config, run, report }) {
    const scale = setting(config, 'fp16.loss_scale');
    const optimizer = optimizerOf(config);
    const half = setting(config, 'bf16.enabled');
    const version = statedVersion(run, 'deepspeed');
    if (optimizer?.name === 'lamb' && booleanOf(half) === true && !(version && isAtLeast(version, CHECKED_SINCE))) {
      report({
        at: optimizer.found,
        severity: version === undefined ? 'warning' : 'error',
        message: `Lamb needs dynamic loss scaling, which bf16 has not; DeepSpeed ${version ?? `before ${CHECKED_SINCE}`} stops when it builds the engine.`,
        related: half ? [{ at: half, message: 'bf16 is on.' }] : [],
      });
    }
    if (!scale || (optimizer?.name !== 'lamb' && optimizer?.name !== 'onebitlamb')) return;
    if (booleanOf(setting(config, 'fp16.enabled')) !== true || (numberOf(scale) ?? 0) <= 0) return;
    report({
      at: [scale, optimizer.found],
      message: `Lamb needs dynamic loss scaling, and loss_scale ${numberOf(scale)} is a fixed one; DeepSpeed stops when it builds the engine.`,
      fixes: [{ ...setFix(config, scale.path, 0), preferred: true }],
    });
  },
});
