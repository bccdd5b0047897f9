import { type Batch, nearestBatches } from '../rules-support/batch-triples';
import { numberOf, type Setting, setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Compares a fixed global batch with the product of the Trainer's own numbers. */
export const trainerBatchMismatch = rule({
  id: 'trainer-batch-mismatch',
  severity: 'error',
  applies: ['deepspeed', 'trainer'],
  when: 'joined',
  why: 'The Trainer compares train_batch_size with per_device_train_batch_size × gradient_accumulation_steps × processes and stops with a ValueError when they differ.',
  source: [
    'transformers src/transformers/integrations/deepspeed.py:126 (5.18.0) fill_match',
    'transformers src/transformers/integrations/deepspeed.py:255 (5.18.0) ValueError',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'ds.json': '{ "train_batch_size": 8, "bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 2 } }',
          'train.yaml':
            'output_dir: out\ndeepspeed: ds.json\nlearning_rate: 2.0e-5\nnum_train_epochs: 1\nlogging_steps: 10\nbf16: true\nper_device_train_batch_size: 2\ngradient_accumulation_steps: 1\n',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "nodes": 1, "gpusPerNode": 8 } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json': '{ "train_batch_size": 16, "bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 2 } }',
          'train.yaml':
            'output_dir: out\ndeepspeed: ds.json\nlearning_rate: 2.0e-5\nnum_train_epochs: 1\nlogging_steps: 10\nbf16: true\nper_device_train_batch_size: 2\ngradient_accumulation_steps: 1\n',
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "nodes": 1, "gpusPerNode": 8 } } }',
        },
      },
    ],
  },
  check({ run, report }) {
    const { deepspeed, trainer } = run.configs;
    if (!deepspeed || !trainer || !run.worldSize.known) return;
    if (run.consumer.known && run.consumer.value !== 'trainer') return;
    const found = setting(deepspeed, 'train_batch_size');
    const total = numberOf(found);
    const micro = setting(trainer, 'per_device_train_batch_size');
    const steps = setting(trainer, 'gradient_accumulation_steps');
    const microSize = numberOf(micro);
    // Left out, the Trainer accumulates over 1 step (transformers training_args.py).
    const stepCount = steps ? numberOf(steps) : 1;
    if (!found?.node || !micro || total === undefined || microSize === undefined || stepCount === undefined) return;
    // Every process counts, also those that share a sample: the arguments know no mesh (deepspeed.py:143, 5.23.0; :140, 4.57.6).
    const ranks = run.worldSize.value;
    const product = microSize * stepCount * ranks;
    if (product === total) return;
    report({
      at: [found, micro],
      message: `train_batch_size is ${total} in the DeepSpeed file, but the Trainer trains ${microSize} × ${stepCount} × ${ranks} ranks = ${product}. It stops at start-up when they differ.`,
      fixes: [
        {
          title: 'Set train_batch_size to "auto"',
          preferred: true,
          edits: replaceValue(deepspeed.file, found.node, 'auto'),
        },
        {
          title: `Set train_batch_size to ${product} in the DeepSpeed file`,
          edits: replaceValue(deepspeed.file, found.node, product),
        },
        ...trainerFixes({ total, micro: microSize, steps: stepCount }, ranks, micro, steps),
      ],
    });
  },
});

/** One argument of the Trainer changed so that the total comes out; only where it then is whole. */
function trainerFixes(batch: Batch, ranks: number, micro: Setting, steps: Setting | undefined) {
  return nearestBatches(batch, ranks)
    .filter(({ total }) => total === batch.total)
    .flatMap((wanted) => {
      const [part, value] = wanted.micro === batch.micro ? [steps, wanted.steps] : [micro, wanted.micro];
      if (!part?.node) return [];
      const title = `Set ${part.path} to ${value} in the Trainer file`;
      return [{ title, edits: replaceValue(part.config.file, part.node, value) }];
    });
}
