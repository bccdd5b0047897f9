import { readFileSync } from 'node:fs';
import { describeModel } from '../../../server/src/core/models/describe';
import type { Model } from '../../../server/src/core/models/model';
import type { Sharding, TrainingRun } from '../../../server/src/core/run/training-run';
import { loadRecordings } from '../../../server/src/data/activations';
import { fsdp, SINGLE, testRun, value, zero } from './builders';

/** One point of the fixture: the run that test/oracle/record_memory.py ran on fake tensors, and the bytes it counted. */
export interface OraclePoint {
  readonly id: string;
  readonly model: string;
  readonly class: string;
  readonly architecture?: string;
  readonly dtype: 'bf16' | 'fp32' | 'amp_bf16';
  readonly attn: 'sdpa' | 'eager';
  readonly micro_batch: number;
  readonly seq_len: number;
  readonly grad_accum?: number;
  readonly checkpointing?: boolean;
  readonly mask?: boolean;
  readonly granularity?: number;
  readonly optimizer?: string;
  readonly lora?: {
    readonly r: number;
    readonly target_modules: string | readonly string[];
    readonly fp32?: boolean;
    readonly dropout?: number;
    readonly dora?: boolean;
  };
  readonly sharding?: string;
  readonly world?: number;
  readonly replicate?: number;
  readonly fsdp?: {
    readonly param?: string;
    readonly reshard?: boolean;
    readonly strategy?: string;
    readonly wrap?: boolean;
  };
  /** DDP's gradient_as_bucket_view. */
  readonly bucket_view?: boolean;
  /** FSDP's CPU offload. */
  readonly offload?: boolean;
  /** Keys of the DeepSpeed config beside `zero_optimization`. */
  readonly config?: {
    readonly data_types?: { readonly grad_accum_dtype?: string };
    readonly expert_parallel?: { readonly autoep_size: number };
  };
  readonly zero?: Readonly<Record<string, unknown>>;
  readonly result: {
    readonly parameters: number;
    readonly trainable: number;
    readonly parameterBytes: number;
    readonly gradientBytes: number | null;
    readonly optimizerBytes: number | null;
    readonly first: { readonly peak: number; readonly afterForward: number };
    readonly steady: {
      readonly peak: number;
      readonly afterForward: number;
      readonly between: number;
      readonly phases: Readonly<Record<string, number>>;
    };
  };
}

interface Fixture {
  readonly models: Readonly<Record<string, unknown>>;
  /** Points that could not be recorded, with what the framework or the recorder said. */
  readonly left?: Readonly<Record<string, string>>;
  readonly points: readonly OraclePoint[];
}

export function readOracle(
  name: 'memory-oracle' | 'sharding-oracle' | 'ddp-oracle' | 'moe-lora-oracle' | 'dora-oracle' = 'memory-oracle',
): Fixture {
  return JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), 'utf8')) as Fixture;
}

const recorded = loadRecordings();

/** Every family of the catalog at a few points (test/oracle/architecture_points.py), with the class that was run. */
export function readArchitectures(): Fixture {
  return JSON.parse(readFileSync(new URL('./fixtures/architectures-oracle.json', import.meta.url), 'utf8')) as Fixture;
}

export function oracleModel(fixture: Pick<Fixture, 'models'>, name: string, ran?: string): Model {
  const architecture = ran ?? (name.startsWith('bert') ? 'BertForMaskedLM' : undefined);
  const config = fixture.models[name];
  const described = describeModel(config, { name, source: 'oracle', confidence: 'high', architecture, recorded });
  if ('problem' in described) throw new Error(`${name}: ${described.problem}`);
  return described.model;
}

const OPTIMIZERS: Readonly<Record<string, readonly [string, 'fused' | 'foreach' | 'loop']>> = {
  adamw_fused: ['adamw_torch', 'fused'],
  adamw_foreach: ['adamw_torch', 'foreach'],
  sgd: ['sgd', 'foreach'],
  adafactor: ['adafactor', 'loop'],
  adamw_loop: ['adamw_torch', 'loop'],
  ds_adam: ['adamw', 'fused'],
  muon: ['muon', 'loop'],
};

/** The point as the run that a config would describe. */
export function oracleRun(point: OraclePoint, model: Model): TrainingRun {
  const [optimizer, implementation] = OPTIMIZERS[point.optimizer ?? 'adamw_fused'] ?? ['adamw_torch', 'fused'];
  const isMixed = point.dtype === 'amp_bf16';
  const world = point.world ?? 1;
  const targets = point.lora?.target_modules;
  const run = testRun({
    model,
    sharding: shardingOf(point),
    world,
    shard: world / (point.replicate ?? 1),
    micro: point.micro_batch,
    sequence: point.seq_len,
    accumulation: point.grad_accum ?? 1,
    checkpointing: point.checkpointing === true ? 'full' : 'none',
    attention: point.attn,
    weights: point.dtype === 'bf16' ? 'bf16' : 'fp32',
    compute: point.dtype === 'fp32' ? 'fp32' : 'bf16',
    mode: isMixed ? 'autocast' : 'pure',
    optimizer,
    implementation,
    packing: point.mask !== true,
    ...(point.lora === undefined
      ? {}
      : {
          lora: {
            rank: point.lora.r,
            dropout: point.lora.dropout ?? 0,
            dora: point.lora.dora ?? false,
            targets: typeof targets === 'string' ? [targets] : (targets ?? []),
          },
        }),
  });
  const expert = value(point.config?.expert_parallel?.autoep_size ?? 1);
  return { ...run, parallelism: { ...run.parallelism, expert } };
}

function shardingOf(point: OraclePoint): Sharding {
  if (point.sharding === 'fsdp2' || point.sharding === 'fsdp1') {
    const keeps = point.fsdp?.reshard === false ? 'SHARD_GRAD_OP' : 'FULL_SHARD';
    const version = point.sharding === 'fsdp1' ? 1 : 2;
    return fsdp({
      version,
      strategy: point.fsdp?.strategy ?? keeps,
      offloadParams: point.offload === true,
      ...(point.fsdp?.wrap === false ? { wrap: 'NO_WRAP' } : {}),
    });
  }
  if (point.sharding === 'ddp') return { kind: 'ddp', gradientAsBucketView: value(point.bucket_view === true) };
  if (point.sharding === undefined) return SINGLE;
  const set = point.zero ?? {};
  const device = (key: string): unknown => (set[key] as { device?: string } | undefined)?.device ?? 'none';
  const stage = Number(point.sharding.slice(4)) as 0 | 1 | 2 | 3;
  const names: Readonly<Record<string, string>> = {
    overlap_comm: 'overlapComm',
    reduce_bucket_size: 'reduceBucketElements',
    allgather_bucket_size: 'allgatherBucketElements',
    stage3_prefetch_bucket_size: 'prefetchBucketElements',
    stage3_param_persistence_threshold: 'persistenceThresholdElements',
    stage3_model_persistence_threshold: 'elementsPersistentAtMost',
    stage3_max_live_parameters: 'maxLiveElements',
    stage3_max_reuse_distance: 'maxReuseDistanceElements',
    sub_group_size: 'subGroupElements',
    zero_hpz_partition_size: 'hpzPartitionRanks',
    zero_quantized_weights: 'quantizedWeights',
    zero_quantized_gradients: 'quantizedGradients',
  };
  const written = Object.entries(names).flatMap(([key, name]) => (key in set ? [[name, set[key]]] : []));
  const dtype = point.config?.data_types?.grad_accum_dtype;
  return zero(stage, {
    ...(dtype === undefined ? {} : { gradAccumDtype: dtype }),
    offloadOptimizer: device('offload_optimizer'),
    offloadParam: device('offload_param'),
    ...Object.fromEntries(written),
  });
}

/** One optimizer of test/oracle/record_optimizers.py: the bytes it kept, and the peak of a step with it. */
interface OptimizerPoint {
  readonly id: string;
  readonly model: string;
  readonly dtype: 'bf16' | 'fp32';
  readonly optimizer: string;
  readonly optim_args?: string;
  /** `optim_target_modules`; attention and MLP where it is absent. */
  readonly targets?: readonly string[] | string;
  /** `optimizer.params` of DeepSpeed. */
  readonly params?: Readonly<Record<string, number | boolean>>;
  readonly result: {
    readonly first: { readonly peak: number };
    readonly steady: { readonly peak: number; readonly kept: number };
  };
}

export function readOptimizers(): Omit<Fixture, 'points'> & { readonly points: readonly OptimizerPoint[] } {
  return JSON.parse(readFileSync(new URL('./fixtures/optimizers-oracle.json', import.meta.url), 'utf8'));
}
