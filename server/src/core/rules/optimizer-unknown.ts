import { DEEPSPEED_OPTIMIZERS, optimizerOf, sameButCase, TORCH_OPTIMIZERS } from '../rules-support/optimizers';
import { severityOfBuilt } from '../rules-support/zero';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports optimizers that neither DeepSpeed nor torch has. */
export const optimizerUnknown = rule({
  id: 'optimizer-unknown',
  severity: 'error',
  applies: ['deepspeed'],
  why: 'DeepSpeed compares optimizer.type without case with its own names; anything else must be a class of torch.optim, written exactly. It asserts that when it builds the engine.',
  source: ['deepspeed/runtime/engine.py:1694 (0.19.6) _do_sanity_check', 'deepspeed/runtime/config.py:84 (0.19.6)'],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "optimizer": { "type": "sgd", "params": { "lr": 0.1 } }, "zero_optimization": { "stage": 0 } }',
      },
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "optimizer": { "type": "AdamX", "params": { "lr": 0.1 } }, "zero_optimization": { "stage": 0 } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "optimizer": { "type": "SGD", "params": { "lr": 0.1 } }, "zero_optimization": { "stage": 0 } }',
      },
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "optimizer": { "type": "adamw", "params": { "lr": 0.1 } }, "zero_optimization": { "stage": 0 } }',
      },
    ],
  },
  check({ config, run, report }) {
    const optimizer = optimizerOf(config);
    if (!optimizer?.found.node) return;
    const { found, name } = optimizer;
    if ([...DEEPSPEED_OPTIMIZERS, ...TORCH_OPTIMIZERS].some((known) => known === name)) return;
    const meant = sameButCase(name, TORCH_OPTIMIZERS);
    report({
      at: found,
      severity: severityOfBuilt(run),
      message: meant
        ? `torch.optim has no ${name}; the class is written ${meant}. DeepSpeed stops when it builds the optimizer.`
        : `Neither DeepSpeed nor torch.optim has an optimizer named ${name}. DeepSpeed stops when it builds it.`,
      fixes: meant
        ? [{ title: `Write ${meant}`, preferred: true, edits: replaceValue(config.file, optimizer.found.node, meant) }]
        : [],
    });
  },
});
