import { type Known, known, valueIfKnown } from '../run/known';
import type { Batch, TrainingRun } from '../run/training-run';
import { numberOf, setting } from '../settings';
import type { Config } from '../source';
import { argumentsOf, argumentWrite } from './arguments';
import { type Dimension, type Move, type Note, type Write, writeTo } from './move';
import { isOpen, TRIED } from './settled';

/** A larger micro-batch is tried up to this factor; what is gained beyond it is small. */
const MOST_TIMES_LARGER = 16;

/** No GPU takes a micro-batch beyond this; a slip of the keyboard must not make the search long. */
const MOST_SAMPLES = 4096;

/** Every micro-batch that divides the samples of a rank, with the accumulation that keeps the global batch. */
export const microBatch: Dimension = (run, note) => {
  if (!isBatchOpen(run, note)) return [];
  const { micro, accumulation } = run.batch;
  if (!micro.known || !accumulation.known) return [];
  const total = micro.value * accumulation.value;
  return divisors(total)
    .filter((size) => size !== micro.value && size <= MOST_TIMES_LARGER * micro.value)
    .flatMap((size): Move[] => {
      // Where other moves change what a rank has to do, it still has to come out even.
      const allows = ({ batch }: TrainingRun): boolean =>
        perRank(batch) % size === 0 && size !== valueIfKnown(batch.micro);
      const apply = (it: TrainingRun): TrainingRun => withBatch(it, size, perRank(it.batch) / size);
      const change = batchChange(run, apply(run));
      if (!change) return [];
      return [
        { dimension: 'micro-batch', training: 'same', ...change, beside: { title: '', writes: [] }, allows, apply },
      ];
    });
};

/** A smaller batch where evaluation, not training, decides the memory. */
export const evalBatch: Dimension = (run, note) => {
  const { evalMicro } = run.batch;
  if (!run.evaluation.known || !run.evaluation.value || !evalMicro.known || evalMicro.value === 1) return [];
  if (!isOpen(run, 'evaluation batch', [evalMicro], note)) return [];
  const write = argumentWrite(run, 'per_device_eval_batch_size', 1);
  if (!write) return [];
  return [
    {
      dimension: 'evaluation batch',
      title: 'Set per_device_eval_batch_size to 1',
      training: 'same',
      writes: [write],
      apply: (changed) => ({ ...changed, batch: { ...changed.batch, evalMicro: known(1, TRIED) } }),
    },
  ];
};

/** Whether micro-batch and accumulation can be written, so that a move can keep the global batch. */
export function isBatchOpen(run: TrainingRun, note?: Note): boolean {
  const { micro, accumulation } = run.batch;
  return isOpen(run, 'micro-batch and accumulation', [micro, accumulation], note);
}

/** Samples that one rank computes in a step. */
export function perRank({ micro, accumulation }: Batch): number {
  return (valueIfKnown(micro) ?? 0) * (valueIfKnown(accumulation) ?? 0);
}

/** The run with another micro-batch and accumulation. */
export function withBatch(run: TrainingRun, micro: number, accumulation: number): TrainingRun {
  return { ...run, batch: { ...run.batch, micro: known(micro, TRIED), accumulation: known(accumulation, TRIED) } };
}

/** What to write so that the batch of `run` becomes that of `changed`; undefined where it cannot be written. */
export function batchChange(run: TrainingRun, changed: TrainingRun): Pick<Move, 'title' | 'writes'> | undefined {
  const [micro, steps] = [valueIfKnown(changed.batch.micro), valueIfKnown(changed.batch.accumulation)];
  if (micro === undefined || steps === undefined) return undefined;
  const keys = batchKeys(run, micro, steps);
  if (!keys) return undefined;
  const isNew = (before: Known<number>, value: number): boolean => valueIfKnown(before) !== value;
  const parts: Part[] = [];
  if (isNew(run.batch.micro, micro)) parts.push({ writes: keys.micro, value: micro });
  if (isNew(run.batch.accumulation, steps)) parts.push({ writes: keys.steps, value: steps });
  const writes = parts.flatMap((part) => part.writes);
  if (writes.length === 0) return undefined;
  const titles = parts.flatMap((part) => (part.writes[0] ? [`${nameOf(part.writes[0].key)} to ${part.value}`] : []));
  return { title: `Set ${titles.join(' and ')}`, writes };
}

interface Part {
  readonly writes: readonly Write[];
  readonly value: number;
}

function nameOf(key: string): string {
  return key.replace(/^--|^deepspeed_config\./g, '');
}

/**
 * The keys that hold the batch: the Trainer's, and in the files beside it every number, which has to be equal
 * (transformers src/transformers/integrations/deepspeed.py:178, 5.18.0); "auto" follows by itself. A DeepSpeed file alone
 * completes the triangle, so a key that train_batch_size stands for stays away.
 */
function batchKeys(run: TrainingRun, micro: number, steps: number): Record<'micro' | 'steps', Write[]> | undefined {
  const { deepspeed, accelerate } = run.configs;
  const numbers = (config: Config | undefined, key: string, value: number): Write[] =>
    config && numberOf(setting(config, key)) !== undefined ? [writeTo(config, key, value)] : [];
  const beside = {
    micro: numbers(deepspeed, 'train_micro_batch_size_per_gpu', micro),
    steps: [
      ...numbers(deepspeed, 'gradient_accumulation_steps', steps),
      ...numbers(accelerate, 'deepspeed_config.gradient_accumulation_steps', steps),
    ],
  };
  if (argumentsOf(run).present) {
    const own = argumentWrite(run, 'per_device_train_batch_size', micro);
    const more = argumentWrite(run, 'gradient_accumulation_steps', steps);
    return own && more && { micro: [own, ...beside.micro], steps: [more, ...beside.steps] };
  }
  if (!deepspeed || setting(deepspeed, 'train_batch_size')) return beside;
  const written = writeTo(deepspeed, 'gradient_accumulation_steps', steps);
  return { micro: beside.micro, steps: beside.steps.length > 0 ? beside.steps : [written] };
}

/** Largest first: the search meets the faster ones early. */
function divisors(total: number): number[] {
  const found: number[] = [];
  for (let size = 1; size <= Math.min(total, MOST_SAMPLES); size++) if (total % size === 0) found.push(size);
  return found.reverse();
}
