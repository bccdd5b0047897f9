import { numberOf, setting } from '../settings';
import { rule } from './rule';

/** Reports schedules that end before their warm-up does. */
export const warmupLongerThanSchedule = rule({
  id: 'warmup-longer-than-schedule',
  severity: 'warning',
  applies: ['deepspeed'],
  needs: ['scheduler.params.warmup_num_steps'],
  why: 'The learning rate climbs until warmup_num_steps and falls until total_num_steps. With fewer total steps than warm-up steps it never reaches its maximum and never falls.',
  source: ['deepspeed/runtime/lr_schedules.py:802 (0.19.6)'],
  verified: 'read',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "scheduler": { "type": "WarmupDecayLR", "params": { "warmup_num_steps": 500, "total_num_steps": 100 } }, "zero_optimization": { "stage": 2 } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "scheduler": { "type": "WarmupDecayLR", "params": { "warmup_num_steps": 50, "total_num_steps": 100 } }, "zero_optimization": { "stage": 2 } }',
      },
    ],
  },
  check({ config, report }) {
    const warmup = setting(config, 'scheduler.params.warmup_num_steps');
    const total = setting(config, 'scheduler.params.total_num_steps');
    const warmupSteps = numberOf(warmup);
    const totalSteps = numberOf(total);
    if (!warmup || !total || warmupSteps === undefined || totalSteps === undefined || totalSteps >= warmupSteps) return;
    report({
      at: [warmup, total],
      message: `warmup_num_steps is ${warmupSteps}, but the schedule ends after ${totalSteps}: the learning rate never reaches its maximum.`,
    });
  },
});
