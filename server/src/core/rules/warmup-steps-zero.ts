import { severityOfBuilt } from '../rules-support/zero';
import { isAtLeast, statedVersion } from '../schema/versions';
import { numberOf, setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports schedules without a warm-up step, which newer DeepSpeed refuses. */
export const warmupStepsZero = rule({
  id: 'warmup-steps-zero',
  severity: 'warning',
  applies: ['deepspeed'],
  needs: ['scheduler.params.warmup_num_steps'],
  why: 'Until 0.19.2 DeepSpeed raised warmup_num_steps 0 to 2 without a word; from 0.19.3 it raises a ValueError.',
  source: ['deepspeed/runtime/lr_schedules.py:709 (0.19.6)'],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "scheduler": { "type": "WarmupLR", "params": { "warmup_num_steps": 0 } }, "zero_optimization": { "stage": 2 } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "scheduler": { "type": "WarmupLR", "params": { "warmup_num_steps": 10 } }, "zero_optimization": { "stage": 2 } }',
      },
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "scheduler": { "type": "WarmupLR", "params": { "warmup_num_steps": 0 } }, "zero_optimization": { "stage": 2 } }',
          'shardlens.json': '{ "frameworks": { "deepspeed": "0.18.0" } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    const found = setting(config, 'scheduler.params.warmup_num_steps');
    const steps = numberOf(found);
    if (!found?.node || steps === undefined || steps > 0) return;
    const version = statedVersion(run, 'deepspeed');
    if (version !== undefined && !isAtLeast(version, '0.19.3')) return;
    report({
      at: found,
      severity: version === undefined ? 'warning' : severityOfBuilt(run),
      message: `warmup_num_steps is ${steps}; DeepSpeed 0.19.3 and later stop on it, and earlier ones warm up for 2 steps all the same.`,
      fixes: [{ title: 'Set warmup_num_steps to 1', edits: replaceValue(config.file, found.node, 1) }],
    });
  },
});
