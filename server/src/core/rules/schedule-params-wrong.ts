import { ownValue } from '../own-value';
import { SCHEDULES } from '../rules-support/optimizers';
import { removeFix, setFix, severityOfBuilt } from '../rules-support/zero';
import { setting, stringOf } from '../settings';
import { rule } from './rule';

/** Reports parameters a schedule's constructor lacks or does not take. */
export const scheduleParamsWrong = rule({
  id: 'schedule-params-wrong',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['scheduler.type'],
  why: 'DeepSpeed hands scheduler.params to the constructor of the schedule as they are: a missing one and one too many are both a TypeError when the engine is built. Nobody adds a key that is absent; "auto" has to be written.',
  source: [
    'deepspeed/runtime/engine.py:1609 (0.19.6) params left out',
    'deepspeed/runtime/lr_schedules.py:791 (0.19.6) WarmupDecayLR',
    'deepspeed/runtime/lr_schedules.py:843 (0.19.6) WarmupCosineLR',
    'deepspeed/runtime/lr_schedules.py:460 (0.19.6) OneCycle',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "scheduler": { "type": "WarmupLR" }, "zero_optimization": { "stage": 2 } }',
      },
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "scheduler": { "type": "WarmupDecayLR", "params": { "warmup_num_steps": 10 } }, "zero_optimization": { "stage": 2 } }',
      },
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "scheduler": { "type": "WarmupCosineLR", "params": { "total_num_steps": 100, "warmup_min_lr": 0 } }, "zero_optimization": { "stage": 2 } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "scheduler": { "type": "WarmupLR", "params": {} }, "zero_optimization": { "stage": 2 } }',
      },
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "scheduler": { "type": "WarmupDecayLR", "params": { "warmup_num_steps": 10, "total_num_steps": 100 } }, "zero_optimization": { "stage": 2 } }',
      },
    ],
  },
  check({ config, run, report }) {
    const type = setting(config, 'scheduler.type');
    const name = stringOf(type) ?? '';
    const schedule = ownValue(SCHEDULES, name);
    const params = setting(config, 'scheduler.params');
    if (!type || !schedule || (params && params.node?.kind !== 'mapping')) return;
    const severity = severityOfBuilt(run);
    const missing = schedule.needs.filter((key) => !setting(config, `scheduler.params.${key}`));
    if (missing.length > 0) {
      report({
        at: type,
        severity,
        message: `${name} needs ${missing.join(' and ')} in scheduler.params; DeepSpeed stops when it builds the schedule.`,
        fixes:
          severity === 'error' && missing.includes('total_num_steps')
            ? [setFix(config, 'scheduler.params.total_num_steps', 'auto')]
            : [],
      });
    } else if (!params) {
      report({
        at: type,
        severity,
        message:
          'scheduler has a type but no params, and DeepSpeed does not take that for "all defaults": it stops when it builds the schedule.',
        fixes: [setFix(config, 'scheduler.params', {})],
      });
    }
    for (const { key } of params?.node?.kind === 'mapping' ? params.node.entries : []) {
      const found = setting(config, `scheduler.params.${key}`);
      if (!found || schedule.takes.includes(key)) continue;
      report({
        at: found,
        on: 'key',
        severity,
        message: `${name} takes no ${key}; DeepSpeed stops when it builds the schedule. It takes ${schedule.takes.slice(0, -1).join(', ')}.`,
        fixes: [removeFix(found)],
      });
    }
  },
});
