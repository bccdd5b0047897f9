import { known } from '../run/known';
import type { TrainingRun } from '../run/training-run';
import { numberOf, setting } from '../settings';
import type { Config } from '../source';
import { type Dimension, isSettledByFiles, type Move, TRIED, type Write, writeTo } from './move';

/** A larger micro-batch is tried up to this factor; what is gained beyond it is small. */
const MOST_TIMES_LARGER = 16;

/** No GPU takes a micro-batch beyond this; a slip of the keyboard must not make the search long. */
const MOST_SAMPLES = 4096;

/** Every micro-batch that divides the samples of a rank, with the accumulation that keeps the global batch. */
export const microBatch: Dimension = (run) => {
  const { micro, accumulation } = run.batch;
  if (!micro.known || !accumulation.known) return [];
  if (!isSettledByFiles(run, micro) || !isSettledByFiles(run, accumulation)) return [];
  const total = micro.value * accumulation.value;
  const keys = batchKeys(run);
  return divisors(total)
    .filter((size) => size !== micro.value && size <= MOST_TIMES_LARGER * micro.value)
    .flatMap((size) => moveTo(keys, size, total / size));
};

/** A smaller batch where evaluation, not training, decides the memory. */
export const evalBatch: Dimension = (run) => {
  const { trainer } = run.configs;
  const { evalMicro } = run.batch;
  if (!trainer || !run.evaluation.known || !run.evaluation.value) return [];
  if (!evalMicro.known || evalMicro.value === 1 || !isSettledByFiles(run, evalMicro)) return [];
  return [
    {
      dimension: 'evaluation batch',
      title: 'Set per_device_eval_batch_size to 1',
      training: 'same',
      writes: [writeTo(trainer, 'per_device_eval_batch_size', 1)],
      apply: (changed) => ({ ...changed, batch: { ...changed.batch, evalMicro: known(1, TRIED) } }),
    },
  ];
};

interface BatchKeys {
  readonly micro: readonly Place[];
  readonly steps: readonly Place[];
}

interface Place {
  readonly config: Config;
  readonly key: string;
}

function moveTo({ micro, steps }: BatchKeys, size: number, accumulation: number): Move[] {
  const writes: Write[] = [
    ...micro.map(({ config, key }) => writeTo(config, key, size)),
    ...steps.map(({ config, key }) => writeTo(config, key, accumulation)),
  ];
  const title = [
    micro[0] && `${micro[0].key} to ${size}`,
    steps[0] && `${steps[0].key.replace('deepspeed_config.', '')} to ${accumulation}`,
  ].filter((part) => part !== undefined);
  if (writes.length === 0) return [];
  return [
    {
      dimension: 'micro-batch',
      title: `Set ${title.join(' and ')}`,
      training: 'same',
      writes,
      apply: (run) => ({
        ...run,
        batch: { ...run.batch, micro: known(size, TRIED), accumulation: known(accumulation, TRIED) },
      }),
    },
  ];
}

/**
 * The keys that hold the batch: the Trainer's, and in the files beside it every number, which has to be equal
 * (transformers src/transformers/integrations/deepspeed.py:178, 5.18.0); "auto" follows by itself. A DeepSpeed file alone
 * completes the triangle, so a key that train_batch_size stands for stays away.
 */
function batchKeys({ configs: { trainer, deepspeed, accelerate } }: TrainingRun): BatchKeys {
  const numbers = (config: Config | undefined, key: string): Place[] =>
    config && numberOf(setting(config, key)) !== undefined ? [{ config, key }] : [];
  const beside = {
    micro: numbers(deepspeed, 'train_micro_batch_size_per_gpu'),
    steps: [
      ...numbers(deepspeed, 'gradient_accumulation_steps'),
      ...numbers(accelerate, 'deepspeed_config.gradient_accumulation_steps'),
    ],
  };
  if (trainer) {
    return {
      micro: [{ config: trainer, key: 'per_device_train_batch_size' }, ...beside.micro],
      steps: [{ config: trainer, key: 'gradient_accumulation_steps' }, ...beside.steps],
    };
  }
  if (!deepspeed || setting(deepspeed, 'train_batch_size')) return beside;
  const steps = { config: deepspeed, key: 'gradient_accumulation_steps' };
  return { micro: beside.micro, steps: beside.steps.length > 0 ? beside.steps : [steps] };
}

/** Largest first: the search meets the faster ones early. */
function divisors(total: number): number[] {
  const found: number[] = [];
  for (let size = 1; size <= Math.min(total, MOST_SAMPLES); size++) if (total % size === 0) found.push(size);
  return found.reverse();
}
