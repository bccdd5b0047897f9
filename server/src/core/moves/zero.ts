import { known, valueIfKnown } from '../run/known';
import type { TrainingRun, ZeroSharding } from '../run/training-run';
import { numberOf, setting } from '../settings';
import { formatSetting } from '../text/format';
import { type Dimension, type Move, writeTo } from './move';
import { isOpen, isSettledByFiles, TRIED } from './settled';
import { stageIn, withZero, zeroOf } from './sharding';

/** ZeRO++'s second copy of the weights in each node: gathers stay inside it (deepspeed/runtime/zero/config.py:301, 0.19.6). */
export const zeroSecondary: Dimension = (run, note) => {
  const zero = zeroOf(run);
  const { deepspeed } = run.configs;
  if (!zero || !deepspeed) return [];
  const { hpzPartitionRanks: hpz, micsShardRanks: mics } = zero;
  if (!hpz.known || hpz.value > 1 || (mics.known && mics.value > 0)) return [];
  if (!run.nodes.known || run.nodes.value < 2 || !run.gpusPerNode.known || run.gpusPerNode.value < 2) return [];
  if (!isOpen(run, 'secondary shards (hpZ)', [hpz], note)) return [];
  const ranks = run.gpusPerNode.value;
  return [
    {
      dimension: 'secondary shards',
      title: `Set zero_hpz_partition_size to ${ranks}, a copy of the weights in each node`,
      training: 'same',
      writes: [writeTo(deepspeed, 'zero_optimization.zero_hpz_partition_size', ranks)],
      allows: (it) => stageIn(it) === 3,
      apply: (it) => withZero(it, (value) => ({ ...value, hpzPartitionRanks: known(ranks, TRIED) })),
    },
  ];
};

/**
 * Other sizes of MiCS groups. Only where MiCS is on: the script then makes its weights under MiCS_Init, which no file shows, and which
 * transformers does not (deepspeed/runtime/zero/mics.py:385, 0.18.4; transformers src/transformers/modeling_utils.py:3821, 5.23.0).
 */
export const micsGroups: Dimension = (run, note) => {
  const zero = zeroOf(run);
  const { deepspeed } = run.configs;
  const { data } = run.parallelism;
  if (!zero || !deepspeed || !data.known || !run.gpusPerNode.known) return [];
  const { micsShardRanks: mics } = zero;
  if (mics.known && mics.value < 1 && (valueIfKnown(run.nodes) ?? 1) > 1) {
    const because =
      'the script must make its weights under deepspeed.zero.MiCS_Init, and DeepSpeed 0.19.7 dropped MiCS';
    note?.({ what: 'MiCS groups', because });
  }
  if (!mics.known || mics.value < 1 || !isOpen(run, 'MiCS groups', [mics], note)) return [];
  const ranks = data.value;
  const sizes = new Set([run.gpusPerNode.value / 2, run.gpusPerNode.value, 2 * run.gpusPerNode.value, ranks]);
  return [...sizes]
    .filter((size) => Number.isInteger(size) && size > 1 && size !== mics.value && ranks % size === 0)
    .map((size) => ({
      dimension: 'MiCS groups',
      title: `Set mics_shard_size to ${size}`,
      training: 'same',
      writes: [writeTo(deepspeed, 'zero_optimization.mics_shard_size', size)],
      allows: (it) => stageIn(it) === 3,
      apply: (it) => ({
        ...withZero(it, (value) => ({ ...value, micsShardRanks: known(size, TRIED) })),
        parallelism: { ...it.parallelism, shard: known(size, TRIED) },
      }),
    }));
};

/**
 * Smaller buckets and fewer live weights take less memory for more, smaller transfers; larger ones let weights be fetched
 * ahead of their use. Sizes are numbers of elements.
 */
export const zeroBuckets: Dimension = (run) => [...bucketMove(run, 'smaller'), ...bucketMove(run, 'larger')];

function bucketMove(run: TrainingRun, way: 'smaller' | 'larger'): Move[] {
  const { deepspeed } = run.configs;
  const zero = zeroOf(run);
  if (!zero || !deepspeed) return [];
  const changed = BUCKETS.flatMap(({ key, fact, stages, ...sizes }) => {
    const written = numberOf(setting(deepspeed, `zero_optimization.${key}`));
    const value = zero[fact];
    const elements = sizes[way];
    if (!value.known || elements === undefined || !zero.stage.known || !stages.includes(zero.stage.value)) return [];
    if (written === undefined && !isSettledByFiles(run, value)) return [];
    const moves = way === 'smaller' ? value.value > elements : value.value < elements;
    return moves ? [{ key, fact, elements }] : [];
  });
  if (changed.length === 0) return [];
  const facts = Object.fromEntries(changed.map(({ fact, elements }) => [fact, known(elements, TRIED)]));
  return [
    {
      dimension: 'buckets',
      title: `Set ${changed.map(({ key, elements }) => `${key} to ${formatSetting(elements)}`).join(', ')}`,
      training: 'same',
      writes: changed.map(({ key, elements }) => writeTo(deepspeed, `zero_optimization.${key}`, elements)),
      // The sizes are those that this stage reads.
      allows: (it) => stageIn(it) === stageIn(run),
      apply: (it) => withZero(it, (value) => ({ ...value, ...facts })),
    },
  ];
}

interface Bucket {
  readonly key: string;
  readonly fact: Extract<keyof ZeroSharding, `${string}Elements`>;
  /** From where a further cut saves less than it costs; DeepSpeed's ZeRO-3 examples use the same. */
  readonly smaller: number;
  /** DeepSpeed's own default, where less than that makes the step longer (deepspeed/runtime/zero/config.py, 0.19.6). */
  readonly larger?: number;
  readonly stages: readonly number[];
}

const BUCKETS: readonly Bucket[] = [
  { key: 'reduce_bucket_size', fact: 'reduceBucketElements', smaller: 5e7, larger: 5e8, stages: [1, 2, 3] },
  { key: 'allgather_bucket_size', fact: 'allgatherBucketElements', smaller: 5e7, larger: 5e8, stages: [1, 2] },
  {
    key: 'stage3_prefetch_bucket_size',
    fact: 'prefetchBucketElements',
    smaller: 5e6,
    larger: 5e7,
    stages: [3],
  },
  { key: 'stage3_max_live_parameters', fact: 'maxLiveElements', smaller: 1e8, larger: 1e9, stages: [3] },
  { key: 'stage3_max_reuse_distance', fact: 'maxReuseDistanceElements', smaller: 1e8, larger: 1e9, stages: [3] },
];

/** Reducing gradients beside the backward pass instead of after it, for a second bucket. */
export const zeroOverlap: Dimension = (run, note) => {
  const { deepspeed } = run.configs;
  const zero = zeroOf(run);
  if (!deepspeed || !zero?.overlapComm.known || zero.overlapComm.value) return [];
  if (!isOpen(run, 'overlapped reduction', [zero.overlapComm], note)) return [];
  return [
    {
      dimension: 'overlap',
      title: 'Set overlap_comm to true',
      training: 'same',
      writes: [writeTo(deepspeed, 'zero_optimization.overlap_comm', true)],
      allows: (it) => (stageIn(it) ?? 0) > 0,
      apply: (it) => withZero(it, (value) => ({ ...value, overlapComm: known(true, TRIED) })),
    },
  ];
};
