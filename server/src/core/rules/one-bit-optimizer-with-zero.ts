import { optimizerOf } from '../rules-support/optimizers';
import { severityOfBuilt, stageOf } from '../rules-support/zero';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports the compressed-communication optimizers under ZeRO. */
export const oneBitOptimizerWithZero = rule({
  id: 'one-bit-optimizer-with-zero',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['optimizer.type'],
  why: 'The 1-bit optimizers do their own communication and keep whole states on every rank; DeepSpeed asserts that ZeRO is off.',
  source: [
    'deepspeed/runtime/engine.py:2152 (0.19.6) OneBitAdam',
    'deepspeed/runtime/engine.py:2159 (0.19.6) ZeroOneAdam',
    'deepspeed/runtime/engine.py:2166 (0.19.6) OneBitLamb',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "fp16": { "enabled": true }, "optimizer": { "type": "OneBitAdam", "params": { "lr": 1e-4 } }, "zero_optimization": { "stage": 1 } }',
      },
    ],
    good: [
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "fp16": { "enabled": true }, "optimizer": { "type": "OneBitAdam", "params": { "lr": 1e-4 } }, "zero_optimization": { "stage": 0 } }',
          'shardlens.json': '{ "frameworks": { "deepspeed": "0.16.9" } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    const stage = stageOf(run);
    const optimizer = optimizerOf(config);
    if (!stage || !optimizer?.found.node || !['onebitadam', 'zerooneadam', 'onebitlamb'].includes(optimizer.name))
      return;
    report({
      at: optimizer.found,
      severity: severityOfBuilt(run),
      message: `${optimizer.name} does not work with ZeRO, and the stage is ${stage}; DeepSpeed stops when it builds the optimizer.`,
      fixes: [{ title: 'Use AdamW', edits: replaceValue(config.file, optimizer.found.node, 'AdamW') }],
    });
  },
});
