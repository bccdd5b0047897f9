import { type Batch, nearestBatches } from '../rules-support/batch-triples';
import { dataRanksOf } from '../rules-support/zero';
import { numberOf, type Setting, setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { type Report, rule } from './rule';

const ZERO = '"bf16": { "enabled": true }, "zero_optimization": { "stage": 2 }';
const EIGHT_GPUS = '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "gpusPerNode": 8 } } }';

/** Checks DeepSpeed's batch equation wherever the file fixes enough of it. */
export const batchSizeProduct = rule({
  id: 'batch-size-product',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['train_batch_size'],
  why: 'DeepSpeed asserts train_batch_size = micro batch × gradient accumulation × data-parallel ranks at start-up, and stops the job when it does not hold. A part that is left out is computed by floor division, so a remainder fails too.',
  source: [
    'deepspeed/runtime/config.py:938 (0.19.6) _batch_assertion',
    'deepspeed/runtime/config.py:942 (0.19.6) _set_batch_related_parameters',
    'accelerate src/accelerate/utils/dataclasses.py:1273 (1.15.0) gradient_accumulation_steps is 1 when absent',
  ],
  verified: 'upstream-test',
  examples: {
    bad: [
      {
        files: `{ "train_batch_size": 30, "train_micro_batch_size_per_gpu": 4, "gradient_accumulation_steps": 2, ${ZERO} }`,
      },
      {
        files: {
          'ds.json': `{ "train_batch_size": 32, "train_micro_batch_size_per_gpu": 4, "gradient_accumulation_steps": 2, ${ZERO} }`,
          'shardlens.json': EIGHT_GPUS,
        },
      },
      {
        files: {
          'ds.json': `{ "train_batch_size": 20, "train_micro_batch_size_per_gpu": 1, ${ZERO} }`,
          'shardlens.json': EIGHT_GPUS,
        },
      },
    ],
    good: [
      {
        files: `{ "train_batch_size": 32, "train_micro_batch_size_per_gpu": 4, "gradient_accumulation_steps": 2, ${ZERO} }`,
      },
      {
        files: {
          'ds.json': `{ "train_batch_size": 64, "train_micro_batch_size_per_gpu": 4, "gradient_accumulation_steps": 2, ${ZERO} }`,
          'shardlens.json': EIGHT_GPUS,
        },
      },
      { files: `{ "train_batch_size": 20, "train_micro_batch_size_per_gpu": 1, ${ZERO} }` },
    ],
  },
  check({ config, run, report }) {
    const total = setting(config, 'train_batch_size');
    const micro = setting(config, 'train_micro_batch_size_per_gpu');
    const steps = setting(config, 'gradient_accumulation_steps');
    const totalSize = numberOf(total);
    if (!total || !isCount(totalSize)) return;
    // A part that is there but is no plain number ("auto", a template) proves nothing.
    const microSize = numberOf(micro);
    const stepCount = numberOf(steps);
    if ((micro && !isCount(microSize)) || (steps && !isCount(stepCount))) return;
    if (microSize === undefined && stepCount === undefined) return;

    // DeepSpeed divides by a tensor, pipeline or sequence parallel size where the code hands it a mesh: then ranks prove nothing.
    const ranks = dataRanksOf(run);
    const factor = (microSize ?? 1) * (stepCount ?? 1);
    const perStep = ranks === undefined ? factor : factor * ranks;
    const whole = microSize === undefined || stepCount === undefined ? totalSize % perStep === 0 : true;
    const holds =
      ranks === undefined ? totalSize % factor === 0 : whole && (bothGiven() ? totalSize === perStep : true);
    if (holds) return;

    const parts = [
      microSize === undefined ? '' : `micro batch ${microSize}`,
      stepCount === undefined ? '' : `${stepCount} accumulation steps`,
      ranks === undefined ? '' : `${ranks} ranks`,
    ].filter((part) => part !== '');
    report({
      at: [total, ...[micro, steps].filter((part): part is Setting => part !== undefined)],
      message: messageOf(totalSize, parts, perStep, bothGiven(), ranks),
      fixes: fixesOf(),
    });

    /** Every part that is to change, in one edit. */
    function batchFix(batch: Batch): NonNullable<Report['fixes']>[number] {
      const parts = [
        { part: total, is: totalSize, wanted: batch.total },
        { part: micro, is: microSize, wanted: batch.micro },
        { part: steps, is: stepCount, wanted: batch.steps },
      ].filter(({ is, wanted }) => is !== wanted);
      return {
        title: `Set ${parts.map(({ part, wanted }) => `${part?.path} to ${wanted}`).join(' and ')}`,
        edits: parts.flatMap(({ part, wanted }) => (part?.node ? replaceValue(config.file, part.node, wanted) : [])),
      };
    }

    function bothGiven(): boolean {
      return microSize !== undefined && stepCount !== undefined;
    }

    function fixesOf(): NonNullable<Report['fixes']> {
      if (!total?.node) return [];
      const below = Math.floor((totalSize ?? 0) / perStep) * perStep;
      const [nearest = perStep, further] = [below, below + perStep]
        .filter((size) => size > 0)
        .sort((a, b) => Math.abs(a - (totalSize ?? 0)) - Math.abs(b - (totalSize ?? 0)));
      const isWhole = bothGiven() && ranks !== undefined;
      const wanted = isWhole ? perStep : nearest;
      // The Trainer fills "auto" from its own arguments, so nothing is left to differ.
      const byTrainer = run.consumer.known && run.consumer.value === 'trainer';
      const fixes: NonNullable<Report['fixes']>[number][] = [
        ...(byTrainer
          ? [
              {
                title: 'Set train_batch_size to "auto"',
                preferred: true,
                edits: replaceValue(config.file, total.node, 'auto'),
              },
            ]
          : []),
        {
          title: `Set train_batch_size to ${wanted}`,
          preferred: true,
          edits: replaceValue(config.file, total.node, wanted),
        },
      ];
      if (!isWhole && further !== undefined) {
        const title = `Set train_batch_size to ${further}`;
        fixes.push({ title, edits: replaceValue(config.file, total.node, further) });
      }
      if (isWhole && microSize !== undefined && stepCount !== undefined) {
        const written = { total: totalSize ?? 0, micro: microSize, steps: stepCount };
        fixes.push(...nearestBatches(written, ranks).slice(1).map(batchFix));
      }
      return fixes;
    }
  },
});

function isCount(value: number | undefined): value is number {
  return value !== undefined && Number.isInteger(value) && value > 0;
}

function messageOf(
  total: number,
  parts: readonly string[],
  product: number,
  bothGiven: boolean,
  ranks: number | undefined,
): string {
  const factors = parts.join(' × ');
  if (bothGiven && ranks !== undefined) {
    return `train_batch_size is ${total}, but ${factors} is ${product}. DeepSpeed asserts that they are equal and stops at start-up.`;
  }
  return `train_batch_size ${total} is not a multiple of ${factors} = ${product}${ranks === undefined ? ', so no number of GPUs makes it work' : ''}. DeepSpeed stops at start-up.`;
}
