import { isAuto, setting } from '../settings';
import { insertEntry } from '../syntax/editing';
import { rule } from './rule';

const RUN = (keys: string) => ({
  files: {
    'ds.json': `{ ${keys} "zero_optimization": { "stage": 2 } }`,
    'accelerate.yaml':
      'compute_environment: LOCAL_MACHINE\ndistributed_type: DEEPSPEED\nnum_processes: 2\ndeepspeed_config:\n  deepspeed_config_file: ds.json\n',
    'shardlens.json': '{ "consumer": "accelerate" }',
  },
});

/** Reports a global batch for Accelerate to fill that it has nothing to compute from. */
export const batchAutoWithoutMicro = rule({
  id: 'batch-auto-without-micro',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['train_batch_size'],
  why: 'Accelerate computes train_batch_size from train_micro_batch_size_per_gpu, which it takes from the DataLoader only where the file says "auto" for it. Without that key it raises a ValueError: not found in kwargs.',
  source: [
    'accelerate src/accelerate/accelerator.py:2228 (1.15.0)',
    'accelerate src/accelerate/utils/dataclasses.py:1366 (1.15.0) fill_match',
  ],
  verified: 'run',
  examples: {
    bad: [RUN('"train_batch_size": "auto",')],
    good: [RUN('"train_micro_batch_size_per_gpu": "auto", "train_batch_size": "auto",')],
  },
  check({ config, run, report }) {
    const batch = setting(config, 'train_batch_size');
    if (!batch || !isAuto(batch) || setting(config, 'train_micro_batch_size_per_gpu')) return;
    if (!run.consumer.known || run.consumer.value !== 'accelerate') return;
    report({
      at: batch,
      message:
        'train_batch_size is "auto" and train_micro_batch_size_per_gpu is not there to compute it from; Accelerate stops with "not found in kwargs".',
      fixes: [
        {
          title: 'Add train_micro_batch_size_per_gpu: "auto"',
          edits: insertEntry(config.file, config.root, 'train_micro_batch_size_per_gpu', 'auto'),
        },
      ],
    });
  },
});
