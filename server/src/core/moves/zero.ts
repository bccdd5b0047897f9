import { type Known, known } from '../run/known';
import type { TrainingRun, ZeroSharding } from '../run/training-run';
import { numberOf, setting } from '../settings';
import { type Dimension, isSettledByFiles, type Move, TRIED, type Write, writeTo } from './move';

/** The other ZeRO stages, where several ranks share the states. */
export const zeroStage: Dimension = (run) => {
  const zero = zeroOf(run);
  if (!zero?.stage.known || !isSettledByFiles(run, zero.stage)) return [];
  const { data, pipeline } = run.parallelism;
  if (!data.known || data.value < 2) return [];
  const now = zero.stage.value;
  // ZeRO-2 and 3 do not run together with pipeline stages (deepspeed/runtime/pipe/engine.py:75, 0.19.6).
  const most = pipeline.known && pipeline.value > 1 ? 1 : 3;
  return ([0, 1, 2, 3] as const)
    .filter((stage) => stage !== now && stage <= most)
    .flatMap((stage): Move[] => {
      const write = zeroWrite(run, { deepspeed: 'zero_optimization.stage', accelerate: 'zero_stage' }, stage);
      if (!write) return [];
      // Below stage 3 offload_param is ignored, so it goes with the stage.
      const lost = stage < 3 && zero.offloadParam.known && zero.offloadParam.value !== 'none';
      const removed = lost ? offloadWrite(run, 'param', false) : undefined;
      const also = removed ? ` and remove ${removed.key.split('.').pop()}` : '';
      return [
        {
          dimension: 'ZeRO stage',
          title: `Set ${write.key.split('.').pop()} to ${stage}${also}`,
          training: 'same',
          writes: [write, ...(removed ? [removed] : [])],
          apply: (it) => atStage(it, stage),
        },
      ];
    });
};

/** Optimizer states or weights on the host, or back on the GPU. */
export const zeroOffload: readonly Dimension[] = (['optimizer', 'param'] as const).map(
  (what): Dimension =>
    (run) => {
      const zero = zeroOf(run);
      const fact = zero && offloadOf(zero, what);
      if (!fact?.known || !isSettledByFiles(run, fact)) return [];
      const on = fact.value === 'none';
      const device = on ? 'cpu' : 'none';
      const write = offloadWrite(run, what, on);
      if (!write) return [];
      const key = write.key.split('.').pop();
      return [
        {
          dimension: `${what} offload`,
          title: on
            ? `Offload ${what === 'optimizer' ? 'the optimizer' : 'the weights'} to the host (${key})`
            : `Remove ${key}`,
          training: 'same',
          writes: [write],
          apply: (it) => withZero(it, (value) => ({ ...value, [OFFLOAD_FACTS[what]]: known(device, TRIED) })),
        },
      ];
    },
);

const OFFLOAD_FACTS = { optimizer: 'offloadOptimizer', param: 'offloadParam' } as const;

function offloadOf(zero: ZeroSharding, what: 'optimizer' | 'param'): Known<unknown> & Known<string> {
  return zero[OFFLOAD_FACTS[what]];
}

function offloadWrite(run: TrainingRun, what: 'optimizer' | 'param', on: boolean): Write | undefined {
  const key = `offload_${what}`;
  const { deepspeed } = run.configs;
  if (!deepspeed) {
    return zeroWrite(run, { deepspeed: '', accelerate: `${key}_device` }, on ? 'cpu' : 'none');
  }
  const path = `zero_optimization.${key}`;
  const section = setting(deepspeed, path)?.node;
  if (on && section?.kind === 'mapping') return writeTo(deepspeed, `${path}.device`, 'cpu');
  return writeTo(deepspeed, path, on ? { device: 'cpu', pin_memory: true } : undefined);
}

/** ZeRO++'s second copy of the weights in each node: gathers stay inside it (deepspeed/runtime/zero/config.py:301, 0.19.6). */
export const zeroSecondary: Dimension = (run) => {
  const zero = zeroOf(run);
  const { deepspeed } = run.configs;
  if (!zero?.stage.known || zero.stage.value !== 3 || !deepspeed) return [];
  const { hpzPartitionRanks: hpz } = zero;
  if (!hpz.known || hpz.value > 1 || !isSettledByFiles(run, hpz)) return [];
  if (!run.nodes.known || run.nodes.value < 2 || !run.gpusPerNode.known || run.gpusPerNode.value < 2) return [];
  const ranks = run.gpusPerNode.value;
  return [
    {
      dimension: 'secondary shards',
      title: `Set zero_hpz_partition_size to ${ranks}, a copy of the weights in each node`,
      training: 'same',
      writes: [writeTo(deepspeed, 'zero_optimization.zero_hpz_partition_size', ranks)],
      apply: (it) => withZero(it, (value) => ({ ...value, hpzPartitionRanks: known(ranks, TRIED) })),
    },
  ];
};

/** Smaller buckets and fewer live weights: less memory for more, smaller transfers. Sizes are numbers of elements. */
export const zeroBuckets: Dimension = (run) => {
  const { deepspeed } = run.configs;
  const zero = zeroOf(run);
  if (!zero || !deepspeed) return [];
  const smaller = BUCKETS.filter(({ key, fact, elements }) => {
    const written = numberOf(setting(deepspeed, `zero_optimization.${key}`));
    const value = zero[fact];
    return value.known && value.value > elements && (written !== undefined || isSettledByFiles(run, value));
  }).filter(({ stages }) => zero.stage.known && stages.includes(zero.stage.value));
  if (smaller.length === 0) return [];
  const facts = Object.fromEntries(smaller.map(({ fact, elements }) => [fact, known(elements, TRIED)]));
  return [
    {
      dimension: 'buckets',
      title: `Set ${smaller.map(({ key, elements }) => `${key} to ${elements.toExponential().replace('+', '')}`).join(', ')}`,
      training: 'same',
      writes: smaller.map(({ key, elements }) => writeTo(deepspeed, `zero_optimization.${key}`, elements)),
      apply: (it) => withZero(it, (value) => ({ ...value, ...facts })),
    },
  ];
};

interface Bucket {
  readonly key: string;
  readonly fact: Extract<keyof ZeroSharding, `${string}Elements`>;
  readonly elements: number;
  readonly stages: readonly number[];
}

/** From where a further cut of a bucket saves less than it costs; DeepSpeed's ZeRO-3 examples use the same. */
const BUCKETS: readonly Bucket[] = [
  { key: 'reduce_bucket_size', fact: 'reduceBucketElements', elements: 5e7, stages: [1, 2, 3] },
  { key: 'allgather_bucket_size', fact: 'allgatherBucketElements', elements: 5e7, stages: [1, 2] },
  { key: 'stage3_prefetch_bucket_size', fact: 'prefetchBucketElements', elements: 5e6, stages: [3] },
  { key: 'stage3_max_live_parameters', fact: 'maxLiveElements', elements: 1e8, stages: [3] },
  { key: 'stage3_max_reuse_distance', fact: 'maxReuseDistanceElements', elements: 1e8, stages: [3] },
];

function zeroOf({ sharding }: TrainingRun): ZeroSharding | undefined {
  return sharding.known && sharding.value.kind === 'zero' ? sharding.value : undefined;
}

function withZero(run: TrainingRun, change: (zero: ZeroSharding) => ZeroSharding): TrainingRun {
  const zero = zeroOf(run);
  return zero ? { ...run, sharding: known(change(zero), TRIED) } : run;
}

function atStage(run: TrainingRun, stage: 0 | 1 | 2 | 3): TrainingRun {
  const shard = stage === 0 ? known(1, TRIED) : run.parallelism.data;
  return {
    ...withZero(run, (zero) => ({
      ...zero,
      stage: known(stage, TRIED),
      overlapComm: overlapAt(zero, stage),
      offloadParam: stage === 3 ? zero.offloadParam : known('none', TRIED),
    })),
    parallelism: { ...run.parallelism, shard },
  };
}

/** Stage 3 overlaps unless told otherwise (deepspeed/runtime/zero/config.py:349, 0.19.6). */
function overlapAt(zero: ZeroSharding, stage: number): Known<boolean> {
  const { overlapComm } = zero;
  return overlapComm.known && overlapComm.origin.kind === 'default' ? known(stage === 3, TRIED) : overlapComm;
}

/** In the DeepSpeed file where there is one, else in Accelerate's own section. */
function zeroWrite(
  { configs: { deepspeed, accelerate } }: TrainingRun,
  keys: { readonly deepspeed: string; readonly accelerate: string },
  value: unknown,
): Write | undefined {
  if (deepspeed) return writeTo(deepspeed, keys.deepspeed, value);
  return accelerate && setting(accelerate, 'deepspeed_config')
    ? writeTo(accelerate, `deepspeed_config.${keys.accelerate}`, value)
    : undefined;
}
