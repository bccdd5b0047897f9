import { evalStrategyOf, recipe } from '../rules-support/trainer-recipe';
import { setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Counts that torch's DataLoader wants as int. */
const COUNTS = ['per_device_train_batch_size', 'per_device_eval_batch_size', 'dataloader_num_workers'] as const;

/** Reports whole numbers written as floats where torch takes an int only. */
export const floatForCount = rule({
  id: 'float-for-count',
  severity: 'error',
  applies: ['trainer'],
  why: 'TrainingArguments hands these counts to torch as they are written, and a DataLoader takes no 2.0 for 2: it stops when it is built.',
  source: ['torch/utils/data/sampler.py:323 (2.15.0) BatchSampler: batch_size should be a positive integer value'],
  verified: 'run',
  examples: {
    bad: [{ files: recipe('').replace('per_device_train_batch_size: 1', 'per_device_train_batch_size: 2.0') }],
    good: [{ files: recipe('').replace('per_device_train_batch_size: 1', 'per_device_train_batch_size: 2') }],
  },
  check({ config, report }) {
    for (const key of COUNTS) {
      const found = setting(config, key);
      const { node } = found ?? {};
      if (!found || node?.kind !== 'scalar' || node.templated || node.scalar.type !== 'float') continue;
      const { value } = node.scalar;
      if (!Number.isInteger(value)) continue;
      if (
        key === 'per_device_eval_batch_size' &&
        evalStrategyOf(config)?.word !== 'steps' &&
        evalStrategyOf(config)?.word !== 'epoch'
      )
        continue;
      report({
        at: found,
        message: `${key} is the float ${node.raw}, and torch takes only an int there; the job stops when the DataLoader is built.`,
        fixes: [{ title: `Write ${value}`, preferred: true, edits: replaceValue(config.file, node, value) }],
      });
    }
  },
});
