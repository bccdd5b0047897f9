import { isBuiltByDeepSpeed } from '../rules-support/owners';
import { recipe } from '../rules-support/trainer-recipe';
import { removeFix } from '../rules-support/zero';
import { numberOf, setting, stringOf } from '../settings';
import { rule } from './rule';

/** Reports schedules whose floor lies above their start. */
export const finalRateAboveRate = rule({
  id: 'final-rate-above-rate',
  severity: 'error',
  applies: ['trainer'],
  needs: ['learning_rate'],
  why: 'A polynomial schedule falls from learning_rate to lr_end and raises a ValueError when lr_end is not below it. The cosine schedules take a min_lr above learning_rate without a word, and the rate then rises.',
  source: [
    'transformers src/transformers/optimization.py:275 (5.18.0) polynomial',
    'transformers src/transformers/optimization.py:377 (5.18.0) min_lr / lr',
  ],
  verified: 'run',
  examples: {
    bad: [
      { files: recipe('lr_scheduler_type: polynomial\nlr_scheduler_kwargs:\n  lr_end: 0.001\n') },
      { files: recipe('lr_scheduler_type: cosine_with_min_lr\nlr_scheduler_kwargs:\n  min_lr: 0.001\n') },
    ],
    good: [{ files: recipe('lr_scheduler_type: polynomial\nlr_scheduler_kwargs:\n  lr_end: 0.000001\n') }],
  },
  check({ config, run, report }) {
    const type = stringOf(setting(config, 'lr_scheduler_type'));
    const rate = setting(config, 'learning_rate');
    const start = numberOf(rate);
    if (!rate || start === undefined || isBuiltByDeepSpeed(run, 'scheduler')) return;
    const key = type === 'polynomial' ? 'lr_end' : type === 'cosine_with_min_lr' ? 'min_lr' : undefined;
    const floor = key && setting(config, `lr_scheduler_kwargs.${key}`);
    const end = floor ? numberOf(floor) : undefined;
    if (!floor || end === undefined || (type === 'polynomial' ? end < start : end <= start)) return;
    report({
      at: [floor, rate],
      severity: type === 'polynomial' ? 'error' : 'warning',
      message:
        type === 'polynomial'
          ? `lr_end ${end} is not below learning_rate ${start}; the job stops when the schedule is built.`
          : `min_lr ${end} lies above learning_rate ${start}, so the rate rises during training instead of falling.`,
      fixes: [removeFix(floor)],
    });
  },
});
