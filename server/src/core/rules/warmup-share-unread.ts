import { recipe } from '../rules-support/trainer-recipe';
import { isAtLeast, statedVersion } from '../schema/versions';
import { numberOf, setting, stringOf } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

const V5 = '{ "frameworks": { "transformers": "5.18.0" } }';

/** Reports a warm-up given as a share to an optimizer that counts steps. */
export const warmupShareUnread = rule({
  id: 'warmup-share-unread',
  severity: 'warning',
  applies: ['trainer'],
  needs: ['warmup_steps'],
  why: 'transformers 5 turns a warmup_steps below 1 into steps for its schedules, but hands it to the schedule-free optimizers as it stands: less than one step is no warm-up.',
  source: ['transformers src/transformers/trainer_optimizer.py:516 (5.18.0)'],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'train.yaml': recipe('optim: schedule_free_adamw\nlr_scheduler_type: constant\nwarmup_steps: 0.1\n'),
          'shardlens.json': V5,
        },
      },
    ],
    good: [
      {
        files: {
          'train.yaml': recipe('optim: schedule_free_adamw\nlr_scheduler_type: constant\nwarmup_steps: 100\n'),
          'shardlens.json': V5,
        },
      },
    ],
  },
  check({ config, run, report }) {
    const warmup = setting(config, 'warmup_steps');
    const optim = setting(config, 'optim');
    const steps = numberOf(warmup);
    const stated = statedVersion(run, 'transformers');
    // Before 5.0 a share stops the job: warmup-fraction-before-5.
    if (!warmup || !optim || steps === undefined || steps <= 0 || steps >= 1) return;
    if (stated !== undefined && !isAtLeast(stated, '5.0.0')) return;
    const name = stringOf(optim);
    if (name !== 'schedule_free_adamw' && name !== 'schedule_free_radam') return;
    const last = numberOf(setting(config, 'max_steps'));
    report({
      at: [warmup, optim],
      message: `${name} takes warmup_steps ${steps} for a number of steps, not for a share of the run: there is no warm-up.`,
      fixes:
        warmup.node && last !== undefined && last > 0
          ? [
              {
                title: `Set warmup_steps to ${Math.ceil(steps * last)}`,
                edits: replaceValue(config.file, warmup.node, Math.ceil(steps * last)),
              },
            ]
          : [],
    });
  },
});
