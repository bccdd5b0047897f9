import { numberOf, setting } from '../settings';
import { rule } from './rule';

/** Reports sequence-parallel groups that do not come out even. */
export const sequenceParallelNotDividingWorld = rule({
  id: 'sequence-parallel-not-dividing-world',
  severity: 'error',
  applies: ['deepspeed'],
  why: 'DeepSpeed divides the number of ranks by sequence_parallel_size without rounding: a fraction of a rank makes the batch sizes fractions, and the batch equation fails.',
  source: ['deepspeed/runtime/config.py:722 (0.19.6)'],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "sequence_parallel_size": 3, "train_batch_size": 8, "zero_optimization": { "stage": 2 } }',
          'shardlens.json': '{ "target": "t", "targets": { "t": { "nodes": 1, "gpusPerNode": 8 } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "sequence_parallel_size": 2, "train_batch_size": 8, "zero_optimization": { "stage": 2 } }',
          'shardlens.json': '{ "target": "t", "targets": { "t": { "nodes": 1, "gpusPerNode": 8 } } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    const found = setting(config, 'sequence_parallel_size');
    const size = numberOf(found);
    if (!found || size === undefined || size < 1 || !run.worldSize.known) return;
    const ranks = run.worldSize.value;
    if (ranks % size === 0) return;
    // With a micro-batch alone the fraction flows on into the global batch, and nothing stops.
    const stops = numberOf(setting(config, 'train_batch_size')) !== undefined;
    report({
      at: found,
      severity: stops ? 'error' : 'warning',
      message: `sequence_parallel_size is ${size}, which does not divide ${ranks} ranks; ${stops ? 'the batch equation fails and DeepSpeed stops at start-up' : 'the global batch becomes a fraction'}.`,
    });
  },
});
