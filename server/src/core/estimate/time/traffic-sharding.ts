import { valueIfKnown } from '../../run/known';
import type { FsdpSharding, ZeroSharding } from '../../run/training-run';
import { counted } from '../../text/format';
import type { TimeFacts } from './facts';
import { prefetches } from './gathers';
import { megatronFlows } from './megatron';
import type { Flow } from './traffic';
import { FSDP_SOURCE, gatherFlow, gigabytes, ZERO_SOURCE, ZEROPP_SOURCE } from './traffic-gather';

/** DDP's default bucket: 25 MiB (torch nn.parallel.DistributedDataParallel, bucket_cap_mb). */
const DDP_BUCKET_BYTES = 25 * 1024 * 1024;
/** DeepSpeed's default reduce_bucket_size, in elements (deepspeed runtime/zero/config.py). */
const ZERO_BUCKET_ELEMENTS = 5e8;

/** Collectives over the ranks that see different samples: gradients reduced, sharded weights gathered. */
export function shardingFlows(facts: TimeFacts): Flow[] {
  const { sharding } = facts;
  switch (sharding.kind) {
    case 'single':
      return [];
    case 'ddp':
      return replicaFlows(facts, facts.data * facts.context, 1);
    case 'megatron':
      return megatronFlows(facts, sharding);
    case 'fsdp':
      return fsdpFlows(facts, sharding);
    case 'zero':
      return zeroFlows(facts, sharding);
    default:
      return sharding satisfies never;
  }
}

/** All-reduce of the gradients over replicas of the same shard, once per optimizer step. */
function replicaFlows(facts: TimeFacts, ranks: number, shards: number): Flow[] {
  const bytes = (facts.gradientBytes * facts.parameters.trainableOnRank) / shards;
  if (ranks <= 1) return [];
  const calls = Math.max(1, Math.ceil(bytes / DDP_BUCKET_BYTES));
  return [
    {
      id: 'communication.data',
      label: `all-reduce of gradients over ${ranks} replicas, once per step`,
      dimension: 'data',
      collective: 'all-reduce',
      ranks,
      bytesPerCall: bytes / calls,
      calls,
      hides: 'beside-last-backward',
      formula: `${gigabytes(bytes)} of gradients in ${counted(calls, 'bucket')}`,
      source: 'Li et al. 2020 (PyTorch DDP, arXiv 2006.15704)',
    },
  ];
}

function fsdpFlows(facts: TimeFacts, sharding: FsdpSharding): Flow[] {
  const { shard, data, context, accumulation } = facts;
  if (shard <= 1) return replicaFlows(facts, data * context, 1);
  const units = Math.max(1, facts.model.layers / facts.pipeline) + 1;
  const plan = { calls: units, hides: 'beside-compute', ranks: shard, dimension: 'shard' } as const;
  // The forward runs ahead by itself, and FSDP2 does so in the backward too; FSDP1 gathers there when it needs to, unless told.
  const waits = valueIfKnown(sharding.version) === 1 && valueIfKnown(sharding.backwardPrefetch) === 'NO_PREFETCH';
  const gathers = waits
    ? [
        ...gatherFlow(facts, { ...plan, part: 'forward' }),
        ...gatherFlow(facts, { ...plan, part: 'backward', hides: 'never' }),
      ]
    : gatherFlow(facts, plan);
  const bytes = facts.gradientBytes * facts.parameters.trainableOnRank;
  const each = facts.run.syncsEachMicro !== undefined && valueIfKnown(facts.run.syncsEachMicro) === true;
  const times = each ? accumulation : 1;
  return [
    ...gathers,
    {
      id: 'communication.reduce-gradients',
      label: `reduce-scatter of gradients over ${shard} ranks, ${times > 1 ? 'every micro-step' : 'once per step'}`,
      dimension: 'shard',
      collective: 'reduce-scatter',
      ranks: shard,
      bytesPerCall: bytes / units,
      calls: units * times,
      hides: accumulation > times ? 'beside-last-backward' : 'beside-compute',
      formula: `${times > 1 ? `${times} × ` : ''}${gigabytes(bytes)} of gradients${accumulation > times ? `; no_sync skips the other ${counted(accumulation - 1, 'micro-step')}` : ''}`,
      source: FSDP_SOURCE,
    },
    ...replicaFlows(facts, replicas(facts), shard),
  ];
}

/** Copies of a shard set: HSDP and MiCS shard inside a group smaller than all data-parallel ranks. */
function replicas({ data, shard }: TimeFacts): number {
  return shard < data ? data / shard : 1;
}

function zeroFlows(facts: TimeFacts, sharding: ZeroSharding): Flow[] {
  const { data, context, shard } = facts;
  const stage = valueIfKnown(sharding.stage) ?? 0;
  if (stage === 0) return replicaFlows(facts, data * context, 1);
  if (shard <= 1) return [];
  if (stage === 3) return zero3Flows(facts, sharding);
  const weights = facts.weightBytes * facts.parameters.trainableOnRank;
  return [
    reduceFlow(facts, sharding, stage === 2 ? facts.accumulation : 1),
    {
      id: 'communication.gather-weights',
      label: `all-gather of updated weights over ${shard} ranks`,
      dimension: 'data',
      collective: 'all-gather',
      ranks: shard,
      // One call for the whole group where torch has all_gather_into_tensor (deepspeed runtime/utils.py:1016).
      bytesPerCall: weights,
      calls: 1,
      hides: 'never',
      formula: `${gigabytes(weights)} of weights, once per step`,
      source: ZERO_SOURCE,
    },
  ];
}

function zero3Flows(facts: TimeFacts, sharding: ZeroSharding): Flow[] {
  const { shard, accumulation } = facts;
  const secondary = valueIfKnown(sharding.hpzPartitionRanks) ?? 1;
  const calls = gatheredTensors(facts, sharding);
  const hides = prefetches(facts) ? 'beside-compute' : 'never';
  const flows =
    secondary > 1 && secondary < shard
      ? [
          ...gatherFlow(facts, { calls, hides, ranks: shard, dimension: 'shard', part: 'forward' }),
          ...gatherFlow(facts, { calls, hides, ranks: secondary, dimension: 'shard', part: 'backward' }),
        ]
      : gatherFlow(facts, { calls, hides, ranks: shard, dimension: 'shard' });
  return [...flows, reduceFlow(facts, sharding, accumulation), ...replicaFlows(facts, replicas(facts), shard)];
}

/** Reduce-scatter of gradients in buckets, `times` per optimizer step; an all-reduce where reduce_scatter is off. */
function reduceFlow(facts: TimeFacts, sharding: ZeroSharding, times: number): Flow {
  const { shard, parameters, gradientBytes } = facts;
  const quantised = valueIfKnown(sharding.quantizedGradients) === true;
  // qgZ sends 4-bit gradients: a quarter of 16 bit.
  const bytes = (gradientBytes * parameters.trainableOnRank) / (quantised ? 4 : 1);
  const bucket = valueIfKnown(sharding.reduceBucketElements) ?? ZERO_BUCKET_ELEMENTS;
  const buckets = Math.max(1, Math.ceil(parameters.trainableOnRank / Math.max(1, bucket)));
  const scatter = valueIfKnown(sharding.reduceScatter) !== false;
  const overlaps = (valueIfKnown(sharding.overlapComm) ?? valueIfKnown(sharding.stage) === 3) && prefetches(facts);
  return {
    id: 'communication.reduce-gradients',
    label: `${scatter ? 'reduce-scatter' : 'all-reduce'} of gradients over ${shard} ranks${times > 1 ? ', every micro-step' : ''}`,
    dimension: valueIfKnown(sharding.stage) === 3 ? 'shard' : 'data',
    collective: scatter ? 'reduce-scatter' : 'all-reduce',
    ranks: shard,
    bytesPerCall: bytes / buckets,
    calls: buckets * times,
    hides: overlaps ? (times > 1 ? 'beside-compute' : 'beside-last-backward') : 'never',
    formula: `${times} × ${gigabytes(bytes)} of gradients in ${counted(buckets, 'bucket')}`,
    source: quantised ? ZEROPP_SOURCE : ZERO_SOURCE,
  };
}

/** Tensors that are really partitioned; those below the persistence threshold stay whole on every rank. */
function gatheredTensors({ model, pipeline }: TimeFacts, sharding: ZeroSharding): number {
  const threshold = valueIfKnown(sharding.persistenceThresholdElements) ?? 1e5;
  let tensors = 0;
  for (const { shape, count } of model.groups) {
    if (shape.reduce((product, size) => product * size, 1) >= threshold) tensors += count;
  }
  return Math.max(1, tensors / pipeline);
}
