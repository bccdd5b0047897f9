import { divisorFix } from '../rules-support/divisors';
import { removeFix } from '../rules-support/zero';
import { numberOf, setting } from '../settings';
import type { Config } from '../source';
import { rule } from './rule';

/** Reports sequence-parallel groups that do not come out even. */
export const sequenceParallelNotDividingWorld = rule({
  id: 'sequence-parallel-not-dividing-world',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['sequence_parallel_size'],
  why: 'DeepSpeed divides the number of ranks by sequence_parallel_size without rounding: a fraction of a rank makes the batch sizes fractions, and the batch equation fails.',
  source: ['deepspeed/runtime/config.py:722 (0.19.6)'],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'ds_config.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "sequence_parallel_size": 3, "train_batch_size": 10, "zero_optimization": { "stage": 2 } }',
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
    // Where the script splits the model, its mpu says the ranks, and DeepSpeed divides by nothing of this file.
    const { tensor, pipeline } = run.parallelism;
    if ([tensor, pipeline].some((split) => !split.known || split.value > 1)) return;
    const ranks = run.worldSize.value;
    if (ranks % size === 0) return;
    // With a micro-batch alone the fraction flows on into the global batch, and nothing stops.
    const stops = breaksBatchEquation(config, ranks / size);
    report({
      at: found,
      severity: stops ? 'error' : 'warning',
      message: `sequence_parallel_size is ${size}, which does not divide ${ranks} ranks; ${stops ? 'the batch equation fails and DeepSpeed stops at start-up' : 'the global batch becomes a fraction'}.`,
      fixes: [...divisorFix(found, size, ranks), removeFix(found)],
    });
  },
});

/** The batch equation with a fraction of a rank, as DeepSpeed works it out (deepspeed/runtime/config.py:942, 0.19.6). */
function breaksBatchEquation(config: Config, ranks: number): boolean {
  const read = (key: string) => numberOf(setting(config, key));
  const [train, micro, steps] = [
    read('train_batch_size'),
    read('train_micro_batch_size_per_gpu'),
    read('gradient_accumulation_steps'),
  ];
  if (train === undefined) return false;
  if (micro !== undefined) return train !== micro * (steps ?? Math.floor(Math.floor(train / micro) / ranks)) * ranks;
  const share = Math.floor(train / ranks);
  return train !== Math.floor(share / (steps ?? 1)) * (steps ?? 1) * ranks;
}
