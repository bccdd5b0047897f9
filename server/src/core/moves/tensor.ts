import { GATHERS_SLICES } from '../dialects/deepspeed/stage-keys';
import { known, valueIfKnown } from '../run/known';
import type { TrainingRun, ZeroSharding } from '../run/training-run';
import { isAtLeast, statedVersion } from '../schema/versions';
import { numberOf, setting } from '../settings';
import type { Config } from '../source';
import { isBatchOpen } from './batch';
import { dividesHeads, fsdpMesh, SIZES } from './mesh';
import { type Dimension, type Move, type Write, writeTo } from './move';
import { resized } from './resize';
import { isOpen, TRIED } from './settled';
import { stageIn, withZero, zeroOf } from './sharding';

const WHAT = 'tensor parallelism';

/**
 * Tensor parallelism: other sizes where it is on, and AutoTP from scratch where the DeepSpeed file alone switches it on. Under the Trainer
 * it does: the Trainer splits the model and deals the samples out (transformers src/transformers/integrations/deepspeed.py:659 and
 * trainer.py:2591, 5.23.0; accelerate src/accelerate/data_loader.py:1130, 1.15.0). Run with two and four ranks.
 */
export const tensorSize: Dimension = (run, note) => {
  const { tensor, data } = run.parallelism;
  if (!tensor.known || !data.known || data.value * tensor.value < 2 || (valueIfKnown(run.gpusPerNode) ?? 1) < 2)
    return [];
  if (!isBatchOpen(run, note) || !isOpen(run, WHAT, [tensor], note)) return [];
  if (tensor.value > 1) return resizes(run, tensor.value, data.value);
  const because = hindrance(run);
  if (because === undefined) return starts(run, data.value);
  note?.({ what: WHAT, because });
  return [];
};

/** Where it is on, the script loads the model for it (accelerate src/accelerate/accelerator.py:1904, 1.15.0). */
function resizes(run: TrainingRun, now: number, data: number): Move[] {
  const { deepspeed } = run.configs;
  const mesh = fsdpMesh(run);
  const autotp = deepspeed && setting(deepspeed, 'tensor_parallel.autotp_size');
  if (!autotp && !mesh) return [];
  const ranks = data * now;
  return sizesFor(run, ranks)
    .filter((size) => size !== now)
    .flatMap((size): Move[] => {
      const writes = autotp
        ? [writeTo(autotp.config, autotp.path, size)]
        : (mesh?.write({ tp: size, dp_shard: ranks / size }) ?? []);
      const own = { title: `Set ${autotp ? 'autotp_size' : 'tp_size'} to ${size}`, writes };
      return resized(run, size, 'tensor', { dimension: WHAT, note: undefined, own });
    });
}

/** Groups of neighbouring ranks inside a node, each with whole heads of every kind. */
function sizesFor(run: TrainingRun, ranks: number): number[] {
  const inside = valueIfKnown(run.gpusPerNode) ?? 1;
  return SIZES.filter((size) => size <= inside && inside % size === 0 && ranks % size === 0 && dividesHeads(run, size));
}

/** The first releases that do it (transformers' and accelerate's own checks; accelerator.py:2161, 1.15.0). */
const SINCE = { deepspeed: '0.16.4', transformers: '4.51', accelerate: '1.6' } as const;

/** Models that were run so; their linear layers carry transformers' own plan of the slices. */
const SPLIT = new Set(['llama', 'mistral', 'qwen2', 'qwen3']);

/** Why AutoTP cannot be switched on from the files; undefined where it can. */
function hindrance(run: TrainingRun): string | undefined {
  const zero = zeroOf(run);
  const { deepspeed } = run.configs;
  if (!zero) return 'the script must load the model in slices for it (tp_plan="auto"), which no file shows';
  if (!deepspeed) return 'AutoTP is switched on in a DeepSpeed file, and this run has none';
  if (valueIfKnown(run.consumer) !== 'trainer')
    return 'the script must give every rank of a group the same samples, which the Trainer does and no file shows of others';
  const old = Object.entries(SINCE).find(([name, since]) => {
    const stated = statedVersion(run, name as keyof typeof SINCE);
    return stated !== undefined && !isAtLeast(stated, since);
  });
  if (old) return `it needs ${old[0]} ${old[1]}`;
  if (numberOf(setting(deepspeed, 'train_batch_size')) !== undefined)
    return 'train_batch_size is a number, which the Trainer compares with a product over all ranks, those of a group included';
  if (run.lora || run.quantization) return 'AutoTP is not known to split adapters or quantised weights';
  if (run.preference) return 'AutoTP is not known to split a reference model';
  if (valueIfKnown(run.torchCompile) !== false) return 'AutoTP is not known to work with torch.compile';
  const { pipeline, context, expert } = run.parallelism;
  if ([pipeline, context, expert].some((one) => valueIfKnown(one) !== 1)) return 'another dimension is split already';
  return modelHindrance(run);
}

function modelHindrance({ model }: TrainingRun): string | undefined {
  if (!model.known) return model.why;
  const { modelType, tiedEmbeddings, name, blocks } = model.value;
  if (!SPLIT.has(modelType)) return `AutoTP was not seen to split a model of type ${modelType}`;
  if (tiedEmbeddings) return `${name} ties its embeddings, and whether AutoTP then splits them differs by release`;
  return blocks.some(({ mlp }) => mlp?.moe) ? `AutoTP was not seen to split the experts of ${name}` : undefined;
}

/** The stages at which it runs with every release: DeepSpeed before 0.19 and transformers since 5 stop at stage 3 (engine.py:510, 0.18.4). */
const STAGES = [1, 2];

/** A fused loss reads the weight of the head, of which each rank has a slice. */
function isAllowed(run: TrainingRun): boolean {
  return STAGES.includes(stageIn(run) ?? 0) && valueIfKnown(run.fusedLoss) === false;
}

function starts(run: TrainingRun, data: number): Move[] {
  const { deepspeed } = run.configs;
  const zero = zeroOf(run);
  if (!deepspeed || !zero) return [];
  const gather = gatherWrite(run, deepspeed, zero);
  const stated = (['deepspeed', 'transformers'] as const).filter((name) => statedVersion(run, name) === undefined);
  const needs = stated.map((name) => `${name} ${SINCE[name]}`).join(' and ');
  return sizesFor(run, data)
    .filter((size) => wholeSlices(run, size))
    .flatMap((size): Move[] =>
      resized(run, size, 'tensor', {
        dimension: WHAT,
        note: needs === '' ? undefined : `needs ${needs} or later`,
        own: {
          title: `Split each layer over ${size} GPUs of a node (autotp_size ${size})`,
          writes: [writeTo(deepspeed, 'tensor_parallel.autotp_size', size), ...gather],
        },
        allows: isAllowed,
        ...(gather.length > 0 && {
          also: (it) => withZero(it, (value) => ({ ...value, gatherWeightsOnSave: known(true, TRIED) })),
        }),
      }),
    );
}

/** Key heads and the inner width come out even too: AutoTP leaves ranks beyond the key heads without work (engine.py:1046, 0.19.8). */
function wholeSlices({ model }: TrainingRun, size: number): boolean {
  if (!model.known) return false;
  return model.value.blocks.every(
    ({ attention, mlp }) => (attention?.kvHeads ?? size) % size === 0 && (mlp?.intermediateSize ?? size) % size === 0,
  );
}

/** Slices are put together for a checkpoint only where this key says so, whatever the stage (accelerator.py:4072, 1.15.0). */
function gatherWrite(run: TrainingRun, deepspeed: Config, { gatherWeightsOnSave }: ZeroSharding): Write[] {
  if (valueIfKnown(run.saves) === false || valueIfKnown(gatherWeightsOnSave) === true) return [];
  return [writeTo(deepspeed, `zero_optimization.${GATHERS_SLICES}`, true)];
}
