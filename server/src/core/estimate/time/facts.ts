import type { Cluster } from '../../hardware/hardware';
import type { Model } from '../../models/model';
import type { Known } from '../../run/known';
import { valueIfKnown } from '../../run/known';
import { sizeMisfit } from '../../run/size-misfit';
import type { Dtype, Sharding, TrainingRun } from '../../run/training-run';
import type { Assumption } from '../estimate';
import { asTrained } from '../memory/head';
import { type ParameterFacts, parameterFacts } from './parameters';
import { sequencesOf } from './preference';

/** The run as plain numbers: what every part of the time model computes from. */
export interface TimeFacts {
  readonly run: TrainingRun;
  readonly model: Model;
  readonly cluster: Cluster;
  readonly sharding: Sharding;
  readonly world: number;
  readonly gpusPerNode: number;
  readonly micro: number;
  readonly accumulation: number;
  /** Sequences of a micro-batch: two for each pair of a preference. */
  readonly sequences: number;
  /** Mean tokens of a sample. */
  readonly length: number;
  /** Tokens one rank computes in one micro-step. */
  readonly tokens: number;
  readonly tensor: number;
  readonly pipeline: number;
  readonly context: number;
  readonly expert: number;
  readonly data: number;
  /** Ranks one set of shards is spread over; 1 when replicated. */
  readonly shard: number;
  readonly compute: Dtype;
  /** Bytes of one gathered weight. */
  readonly weightBytes: number;
  /** Bytes of one reduced gradient. */
  readonly gradientBytes: number;
  readonly checkpointing: 'none' | 'full' | 'selective';
  readonly parameters: ParameterFacts;
  readonly ompThreads: number | undefined;
  readonly assumptions: readonly Assumption[];
}

export type FactsResult =
  | { readonly ok: true; readonly facts: TimeFacts }
  | { readonly ok: false; readonly missing: readonly Assumption[] };

const DTYPE_BYTES: Readonly<Record<Dtype, number>> = { fp32: 4, bf16: 2, fp16: 2, fp8: 1, int8: 1, nf4: 0.5, fp4: 0.5 };

/** Bytes of one element. */
export function bytesOf(dtype: Dtype): number {
  return DTYPE_BYTES[dtype];
}

/** Turns the run into numbers, or says which facts are missing. */
export function timeFacts(run: TrainingRun): FactsResult {
  const { model, cluster, sharding } = run;
  const micro = positive(run.batch.micro);
  const accumulation = positive(run.batch.accumulation);
  const length = positive(run.batch.meanSequenceLength) ?? positive(run.batch.sequenceLength);
  if (
    !model.known ||
    !cluster.known ||
    !sharding.known ||
    !wayOfSharding(sharding.value).known ||
    !run.nodes.known ||
    !run.worldSize.known ||
    micro === undefined ||
    accumulation === undefined ||
    length === undefined ||
    sizeMisfit(run)
  ) {
    return { ok: false, missing: missingFacts(run) };
  }
  const assumptions: Assumption[] = [];
  const assume = <T>(what: string, known: Known<T>, fallback: T): T => {
    if (known.known) return known.value;
    assumptions.push({ what, value: String(fallback), because: known.why });
    return fallback;
  };
  // The cluster was built for the GPUs that the run uses per node; its links would not fit another number.
  const gpusPerNode = cluster.value.gpusPerNode;
  const world = run.worldSize.value;
  const tensor = assume('tensor-parallel ranks', run.parallelism.tensor, 1);
  const pipeline = assume('pipeline stages', run.parallelism.pipeline, 1);
  const context = assume('context-parallel ranks', run.parallelism.context, 1);
  const expert = assume('expert-parallel ranks', run.parallelism.expert, 1);
  const data = positive(run.parallelism.data) ?? Math.max(1, world / (tensor * pipeline * context));
  const trained = asTrained(run, model.value, 'expected', () => {});
  const there = cluster.value.nodes * gpusPerNode;
  if (world > there) {
    const because = `${cluster.value.label} has ${there} GPUs, the run starts ${world} processes`;
    assumptions.push({ what: 'world size', value: `${world} ranks`, because });
  }
  const compute = assume<Dtype>('compute dtype', run.precision.compute, 'bf16');
  const checkpointing = assume('activation checkpointing', run.checkpointing, 'none');
  if (!run.batch.meanSequenceLength.known) {
    assumptions.push({
      what: 'mean sequence length',
      value: `${length} tokens`,
      because: 'the maximum is taken, since the mean length is not known; shorter samples make shorter steps',
    });
  }
  return {
    ok: true,
    facts: {
      run,
      model: trained,
      cluster: cluster.value,
      sharding: sharding.value,
      world,
      gpusPerNode,
      micro,
      accumulation,
      length,
      sequences: micro * sequencesOf(run),
      tokens: (micro * sequencesOf(run) * length) / context,
      tensor,
      pipeline,
      context,
      expert,
      data,
      shard: shardRanks(run, sharding.value, { data, gpusPerNode }),
      compute,
      weightBytes: gatheredWeightBytes(sharding.value, compute),
      gradientBytes: reducedGradientBytes(run, sharding.value, compute),
      checkpointing,
      parameters: parameterFacts(run, trained, { tensor, pipeline, expert }),
      ompThreads: positive(run.ompThreads),
      assumptions,
    },
  };
}

function positive(known: Known<number>): number | undefined {
  const value = valueIfKnown(known);
  return value !== undefined && value > 0 ? value : undefined;
}

function missingFacts(run: TrainingRun): Assumption[] {
  const missing: Assumption[] = [];
  const misfit = sizeMisfit(run);
  if (misfit)
    missing.push({ what: 'step time', value: 'not known', because: `${misfit.words}; such a run does not start` });
  const need = (what: string, known: Known<unknown>): void => {
    if (!known.known) missing.push({ what: 'step time', value: 'not known', because: `${what}: ${known.why}` });
  };
  need('model', run.model);
  need('hardware', run.cluster);
  if (run.cluster.known) {
    need('number of nodes', run.nodes);
    if (run.nodes.known) need('world size', run.worldSize);
  }
  need('sharding', run.sharding.known ? wayOfSharding(run.sharding.value) : run.sharding);
  need('micro-batch', run.batch.micro);
  need('gradient accumulation', run.batch.accumulation);
  if (!run.batch.meanSequenceLength.known) need('sequence length', run.batch.sequenceLength);
  if (missing.length === 0) {
    missing.push({ what: 'step time', value: 'not known', because: 'batch sizes and lengths must be above zero' });
  }
  return missing;
}

/** What decides the traffic: without it, a step time would be that of another run. */
function wayOfSharding(sharding: Sharding): Known<unknown> {
  if (sharding.kind === 'zero') return sharding.stage;
  if (sharding.kind === 'megatron' && valueIfKnown(sharding.offloadOptimizer) === true)
    return { known: false, why: "Megatron-LM's optimizer on the CPU is not modelled" };
  return sharding.kind === 'fsdp' ? sharding.strategy : { known: true, value: sharding.kind, origin: NO_SHARDS };
}

const NO_SHARDS = { kind: 'derived', formula: 'weights are replicated', from: [] } as const;

/** ZeRO-0, DDP and one process keep whole copies; ZeRO and FSDP spread them over the shard group. */
function shardRanks(
  run: TrainingRun,
  sharding: Sharding,
  { data, gpusPerNode }: { readonly data: number; readonly gpusPerNode: number },
): number {
  switch (sharding.kind) {
    case 'single':
    case 'ddp':
      return 1;
    case 'megatron':
      return valueIfKnown(sharding.distributedOptimizer) === true ? data : 1;
    case 'zero':
      if (valueIfKnown(sharding.stage) === 0) return 1;
      return positive(run.parallelism.shard) ?? positive(sharding.micsShardRanks) ?? data;
    case 'fsdp':
      if (valueIfKnown(sharding.strategy) === 'NO_SHARD') return 1;
      // torch shards inside a node and replicates between nodes where no device mesh says otherwise.
      if (valueIfKnown(sharding.strategy)?.startsWith('HYBRID')) {
        return positive(run.parallelism.shard) ?? Math.min(data, gpusPerNode);
      }
      return positive(run.parallelism.shard) ?? data;
    default:
      return sharding satisfies never;
  }
}

/** FSDP gathers in the compute dtype, ZeRO in the dtype of the model weights; both are the 16-bit one under mixed precision. */
function gatheredWeightBytes(sharding: Sharding, compute: Dtype): number {
  if (sharding.kind === 'fsdp' || sharding.kind === 'zero') return Math.max(2, bytesOf(compute));
  return 2;
}

/** DDP reduces gradients in the dtype of the stored weights; ZeRO, FSDP and Megatron in the compute dtype or wider. */
function reducedGradientBytes(run: TrainingRun, sharding: Sharding, compute: Dtype): number {
  if (sharding.kind === 'zero' || sharding.kind === 'fsdp') return Math.max(2, bytesOf(compute));
  // Megatron's buffer of gradients is fp32 with bf16 (megatron/training/arguments.py, accumulate_allreduce_grads_in_fp32).
  if (sharding.kind === 'megatron') return compute === 'bf16' ? 4 : Math.max(2, bytesOf(compute));
  const autocast = valueIfKnown(run.precision.mode) === 'autocast';
  const stored = valueIfKnown(run.precision.weights) ?? 'fp32';
  return Math.max(2, autocast ? bytesOf(stored) : bytesOf(compute));
}
