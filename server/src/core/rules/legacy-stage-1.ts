import { removeFix, stageOf } from '../rules-support/zero';
import { booleanOf, setting } from '../settings';
import { rule } from './rule';

/** Reports the first implementation of stage 1, which is gone. */
export const legacyStage1 = rule({
  id: 'legacy-stage-1',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['zero_optimization.legacy_stage1'],
  why: 'The old implementation of stage 1 was removed in DeepSpeed 0.5.9; asking for it raises when the optimizer is built.',
  source: ['deepspeed/runtime/engine.py:2379 (0.19.6)'],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 1, "legacy_stage1": true } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 1 } }',
      },
    ],
  },
  check({ config, run, report }) {
    const found = setting(config, 'zero_optimization.legacy_stage1');
    if (!found || booleanOf(found) !== true || !stageOf(run)) return;
    report({
      at: found,
      tag: 'deprecated',
      message: 'legacy_stage1 was removed in DeepSpeed 0.5.9; the job stops when the optimizer is built.',
      fixes: [{ ...removeFix(found), preferred: true }],
    });
  },
});
