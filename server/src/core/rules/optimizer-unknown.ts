import { DEEPSPEED_OPTIMIZERS, optimizerOf, sameButCase, TORCH_OPTIMIZERS } from '../rules-support/optimizers';
import { severityOfBuilt, stageOf } from '../rules-support/zero';
import { isAtLeast, statedVersion } from '../schema/versions';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Releases of DeepSpeed, compared one with the next (deepspeed/runtime/config.py, 0.16.9 to 0.19.8). */
const MUON_SINCE = '0.17.6';
const ONE_BIT_GONE = '0.19.7';
const ONE_BIT = new Set(['onebitadam', 'zerooneadam', 'onebitlamb']);

/** Reports optimizers that neither DeepSpeed nor torch has. */
export const optimizerUnknown = rule({
  id: 'optimizer-unknown',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['optimizer.type'],
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
    const version = statedVersion(run, 'deepspeed');
    const gone = ONE_BIT.has(name) && (version === undefined || isAtLeast(version, ONE_BIT_GONE));
    // Under ZeRO no release takes them: one-bit-optimizer-with-zero.
    if (gone && (version !== undefined || stageOf(run) === 0)) {
      report({
        at: found,
        severity: version === undefined ? 'warning' : severityOfBuilt(run),
        message: `The 1-bit optimizers are gone from DeepSpeed ${ONE_BIT_GONE}; ${version ?? 'it'} stops when it builds the engine.`,
        fixes: [{ title: 'Write AdamW', edits: replaceValue(config.file, optimizer.found.node, 'AdamW') }],
      });
      return;
    }
    if (name === 'muon' && (version === undefined || !isAtLeast(version, MUON_SINCE))) {
      report({
        at: found,
        severity: 'warning',
        message: `DeepSpeed has Muon from ${MUON_SINCE} on; ${version ?? 'an earlier one'} stops when it builds the engine unless torch has one.`,
        fixes: [{ title: 'Write AdamW', edits: replaceValue(config.file, optimizer.found.node, 'AdamW') }],
      });
      return;
    }
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
