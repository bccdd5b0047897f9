import { dataRanksOf } from '../rules-support/zero';
import { numberOf, setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports a lone global batch that the ranks cannot share evenly. */
export const batchSizeBelowWorldSize = rule({
  id: 'batch-size-below-world-size',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['train_batch_size'],
  why: 'With train_batch_size alone DeepSpeed gives each rank its floor share and asserts that the shares add up: fewer samples than ranks, or a remainder, stop the job.',
  source: ['deepspeed/runtime/config.py:933 (0.19.6) _batch_assertion', 'deepspeed/runtime/config.py:976 (0.19.6)'],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'ds.json': '{ "train_batch_size": 4, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "nodes": 1, "gpusPerNode": 8 } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json': '{ "train_batch_size": 16, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "nodes": 1, "gpusPerNode": 8 } } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    const found = setting(config, 'train_batch_size');
    const total = numberOf(found);
    const ranks = dataRanksOf(run);
    if (!found?.node || total === undefined || ranks === undefined || total < 1 || total % ranks === 0) return;
    // With a second batch key the whole product counts: that is batch-size-product.
    if (setting(config, 'train_micro_batch_size_per_gpu') || setting(config, 'gradient_accumulation_steps')) return;
    const wanted = Math.max(1, Math.round(total / ranks)) * ranks;
    report({
      at: found,
      message: `train_batch_size is ${total} for ${ranks} ranks, which cannot share it evenly. DeepSpeed stops at start-up.`,
      fixes: [
        {
          title: `Set train_batch_size to ${wanted}`,
          preferred: true,
          edits: replaceValue(config.file, found.node, wanted),
        },
      ],
    });
  },
});
