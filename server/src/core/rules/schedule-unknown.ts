import { ownValue } from '../own-value';
import { SCHEDULES, sameButCase } from '../rules-support/optimizers';
import { severityOfBuilt, stageOf } from '../rules-support/zero';
import { setting, stringOf } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Classes of torch.optim.lr_scheduler (torch 2.13). */
const TORCH = [
  'LambdaLR',
  'MultiplicativeLR',
  'StepLR',
  'MultiStepLR',
  'ConstantLR',
  'LinearLR',
  'ExponentialLR',
  'SequentialLR',
  'CosineAnnealingLR',
  'ChainedScheduler',
  'ReduceLROnPlateau',
  'CyclicLR',
  'CosineAnnealingWarmRestarts',
  'OneCycleLR',
  'PolynomialLR',
  'LRScheduler',
];

/** Reports schedules DeepSpeed cannot build. */
export const scheduleUnknown = rule({
  id: 'schedule-unknown',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['scheduler.type'],
  why: "scheduler.type is one of DeepSpeed's five schedules, or a class of torch.optim.lr_scheduler, in exact case. torch's classes want a torch optimizer, and the optimizer that ZeRO wraps is none, so under ZeRO they raise a TypeError.",
  source: [
    'deepspeed/runtime/engine.py:1605 (0.19.6) _scheduler_from_config',
    'deepspeed/runtime/engine.py:1609 (0.19.6)',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "scheduler": { "type": "warmupLR", "params": {} }, "zero_optimization": { "stage": 2 } }',
      },
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "scheduler": { "type": "CosineAnnealingLR", "params": { "T_max": 100 } }, "zero_optimization": { "stage": 2 } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "scheduler": { "type": "WarmupLR", "params": {} }, "zero_optimization": { "stage": 2 } }',
      },
    ],
  },
  check({ config, run, report }) {
    const found = setting(config, 'scheduler.type');
    const name = stringOf(found);
    if (!found?.node || name === undefined || name === 'auto' || ownValue(SCHEDULES, name)) return;
    const severity = severityOfBuilt(run);
    if (!TORCH.includes(name)) {
      const meant = sameButCase(name, [...Object.keys(SCHEDULES), ...TORCH]);
      report({
        at: found,
        severity,
        message: `DeepSpeed has no schedule ${name}${meant ? `; it is written ${meant}` : `; it has ${Object.keys(SCHEDULES).join(', ')}`}. The job stops when the engine is built.`,
        fixes: meant
          ? [{ title: `Write ${meant}`, preferred: true, edits: replaceValue(config.file, found.node, meant) }]
          : [],
      });
    } else if (stageOf(run)) {
      report({
        at: found,
        severity,
        message: `${name} is torch's and wants a torch optimizer; under ZeRO it is given DeepSpeed's wrapper and raises a TypeError. Use one of DeepSpeed's schedules, or none here.`,
      });
    }
  },
});
