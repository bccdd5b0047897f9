import { removeFix } from '../rules-support/zero';
import { numberOf, setting } from '../settings';
import { rule } from './rule';

/** Reports a print interval of 0, which DeepSpeed divides by. */
export const stepsPerPrintZero = rule({
  id: 'steps-per-print-zero',
  severity: 'warning',
  applies: ['deepspeed'],
  needs: ['steps_per_print'],
  why: 'DeepSpeed takes the step number modulo steps_per_print: 0 is a ZeroDivisionError at the first step. Accelerate and the Trainer overwrite the key, so through them it does not matter.',
  source: [
    'deepspeed/runtime/engine.py:3392 (0.19.6)',
    'accelerate src/accelerate/utils/dataclasses.py:1326 (1.15.0) steps_per_print = inf',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "steps_per_print": 0, "zero_optimization": { "stage": 2 } }',
          'shardlens.json': '{ "consumer": "deepspeed" }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "steps_per_print": 10, "zero_optimization": { "stage": 2 } }',
          'shardlens.json': '{ "consumer": "deepspeed" }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    const found = setting(config, 'steps_per_print');
    if (!found || numberOf(found) !== 0 || !run.consumers.includes('deepspeed')) return;
    report({
      at: found,
      severity: run.consumers.length === 1 ? 'error' : 'warning',
      message:
        'steps_per_print is 0: DeepSpeed divides by it and stops at the first step. To print nothing, leave it out.',
      fixes: [{ ...removeFix(found), preferred: true }],
    });
  },
});
