import { setFix } from '../rules-support/zero';
import { booleanOf, setting } from '../settings';
import { rule } from './rule';

/** Reports configs from which no batch size follows. */
export const batchSizeMissing = rule({
  id: 'batch-size-missing',
  severity: 'error',
  applies: ['deepspeed'],
  why: 'DeepSpeed asserts that train_batch_size or train_micro_batch_size_per_gpu is there. The Trainer and Accelerate put their numbers in the place of "auto" only; they add no key.',
  source: [
    'deepspeed/runtime/config.py:985 (0.19.6) _set_batch_related_parameters',
    'transformers src/transformers/integrations/deepspeed.py:117 (5.18.0) fill_match',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'ds.json': '{ "bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 2 } }',
          'train.yaml':
            'output_dir: out\ndeepspeed: ds.json\nlearning_rate: 2.0e-5\nnum_train_epochs: 1\nlogging_steps: 10\nbf16: true\nper_device_train_batch_size: 2\ngradient_accumulation_steps: 1\n',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_batch_size": "auto", "bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 2 } }',
          'train.yaml':
            'output_dir: out\ndeepspeed: ds.json\nlearning_rate: 2.0e-5\nnum_train_epochs: 1\nlogging_steps: 10\nbf16: true\nper_device_train_batch_size: 2\ngradient_accumulation_steps: 1\n',
        },
      },
    ],
  },
  check({ config, run, report }) {
    if (setting(config, 'train_batch_size') || setting(config, 'train_micro_batch_size_per_gpu')) return;
    const elastic = setting(config, 'elasticity.enabled');
    if (elastic && booleanOf(elastic) !== false) return;
    const { start } = config.root;
    const at = config.root.entries[0]?.keyNode ?? { start, end: start + 1 };
    const byTrainer = run.consumer.known && run.consumer.value === 'trainer';
    const filled = !run.consumer.known || run.consumer.value !== 'deepspeed';
    report({
      at: { start: at.start, end: at.end },
      // Scripts of their own often write the batch size into the config before they start DeepSpeed.
      severity: byTrainer ? 'error' : 'warning',
      message: byTrainer
        ? 'This file has neither train_batch_size nor train_micro_batch_size_per_gpu, and the Trainer fills only what is written as "auto". DeepSpeed stops at start-up.'
        : 'This file has neither train_batch_size nor train_micro_batch_size_per_gpu: unless the script adds one, DeepSpeed stops at start-up.',
      fixes: [setFix(config, 'train_micro_batch_size_per_gpu', filled ? 'auto' : 1)],
    });
  },
});
