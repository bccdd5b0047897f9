import { stageOf } from '../rules-support/zero';
import { numberOf, setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports an odd bucket at stages 1 and 2. */
export const oddAllgatherBucket = rule({
  id: 'odd-allgather-bucket',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['zero_optimization.allgather_bucket_size'],
  why: 'NCCL wants pieces that start at 4 bytes, so DeepSpeed asserts that the bucket is a multiple of 2 elements at stages 1 and 2.',
  source: ['deepspeed/runtime/zero/stage_1_and_2.py:351 (0.19.6)'],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2, "allgather_bucket_size": 500001 } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2, "allgather_bucket_size": 500000 } }',
      },
    ],
  },
  check({ config, run, report }) {
    const stage = stageOf(run);
    const found = setting(config, 'zero_optimization.allgather_bucket_size');
    const elements = numberOf(found);
    if (!found?.node || elements === undefined || elements % 2 !== 1 || (stage !== 1 && stage !== 2)) return;
    report({
      at: found,
      message: `allgather_bucket_size is ${elements}, and ZeRO stage ${stage} takes even numbers only. DeepSpeed stops at start-up.`,
      fixes: [
        {
          title: `Set it to ${elements + 1}`,
          preferred: true,
          edits: replaceValue(config.file, found.node, elements + 1),
        },
      ],
    });
  },
});
