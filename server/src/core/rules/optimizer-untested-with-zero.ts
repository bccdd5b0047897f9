import { optimizerOf } from '../rules-support/optimizers';
import { setFix, severityOfBuilt, stageOf } from '../rules-support/zero';
import { scalarOf, setting } from '../settings';
import { rule } from './rule';

const UNTESTED = [
  'lamb',
  'muadam',
  'muadamw',
  'musgd',
  'ASGD',
  'Adadelta',
  'Adafactor',
  'Adamax',
  'LBFGS',
  'NAdam',
  'RAdam',
  'RMSprop',
  'Rprop',
  'SGD',
  'SparseAdam',
];

/** Reports optimizers that ZeRO takes only when told to. */
export const optimizerUntestedWithZero = rule({
  id: 'optimizer-untested-with-zero',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['optimizer.type'],
  why: 'ZeRO cuts optimizer states into flat pieces, which only element-wise optimizers survive. DeepSpeed asserts that the optimizer is on its tested list (Adam, AdamW, Adagrad, Lion, Muon) unless zero_allow_untested_optimizer is true.',
  source: ['deepspeed/runtime/engine.py:1990 (0.19.6)', 'deepspeed/runtime/zero/utils.py:45 (0.19.6)'],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "optimizer": { "type": "SGD", "params": { "lr": 0.1 } }, "zero_optimization": { "stage": 2 } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "optimizer": { "type": "SGD", "params": { "lr": 0.1 } }, "zero_allow_untested_optimizer": true, "zero_optimization": { "stage": 2 } }',
      },
    ],
  },
  check({ config, run, report }) {
    const stage = stageOf(run);
    const optimizer = optimizerOf(config);
    if (!stage || !optimizer || !UNTESTED.includes(optimizer.name)) return;
    const allowed = setting(config, 'zero_allow_untested_optimizer');
    if (allowed && scalarOf(allowed)?.value !== false) return;
    report({
      at: optimizer.found,
      severity: severityOfBuilt(run),
      message: `optimizer.type is ${optimizer.name}, with which ZeRO was not tested. DeepSpeed stops when it builds the optimizer unless zero_allow_untested_optimizer is true.`,
      fixes: [setFix(config, 'zero_allow_untested_optimizer', true)],
    });
  },
});
