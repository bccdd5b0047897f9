import type { Model, ParameterGroup } from '../../../server/src/core/models/model';
import { type Known, known, type Origin, unknown } from '../../../server/src/core/run/known';
import type {
  FsdpSharding,
  MegatronSharding,
  Sharding,
  TrainingRun,
  ZeroSharding,
} from '../../../server/src/core/run/training-run';
import { loadRecordings } from '../../../server/src/data/activations';

const recordings = loadRecordings();

/** Values of a test come from nowhere. */
export const TEST: Origin = { kind: 'editor', what: 'a test' };

export function value<T>(v: T): Known<T> {
  return known(v, TEST);
}

export interface LlamaShape {
  readonly hidden: number;
  readonly intermediate: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly vocab: number;
  readonly headDim?: number;
  readonly tied?: boolean;
}

export const LLAMA_3_8B: LlamaShape = {
  hidden: 4096,
  intermediate: 14336,
  layers: 32,
  heads: 32,
  kvHeads: 8,
  vocab: 128256,
};

/** The layer on which the exact counts were made. */
export const TEST_LAYER: LlamaShape = {
  hidden: 512,
  intermediate: 1408,
  layers: 3,
  heads: 8,
  kvHeads: 2,
  vocab: 32000,
};

export function llamaModel(shape: LlamaShape): Model {
  const { hidden: h, intermediate: i, layers, heads, kvHeads, vocab } = shape;
  const d = shape.headDim ?? h / heads;
  const linear = (name: string, out: number, inp: number, kind: 'attention' | 'mlp'): ParameterGroup => ({
    name: `model.layers.*.${name}.weight`,
    kind,
    module: 'linear',
    shape: [out, inp],
    count: layers,
    block: 0,
  });
  const norm = (name: string): ParameterGroup => ({
    name: `model.layers.*.${name}.weight`,
    kind: 'norm',
    module: 'norm',
    shape: [h],
    count: layers,
    block: 0,
  });
  const groups: ParameterGroup[] = [
    { name: 'model.embed_tokens.weight', kind: 'embedding', module: 'embedding', shape: [vocab, h], count: 1 },
    linear('self_attn.q_proj', heads * d, h, 'attention'),
    linear('self_attn.k_proj', kvHeads * d, h, 'attention'),
    linear('self_attn.v_proj', kvHeads * d, h, 'attention'),
    linear('self_attn.o_proj', h, heads * d, 'attention'),
    linear('mlp.gate_proj', i, h, 'mlp'),
    linear('mlp.up_proj', i, h, 'mlp'),
    linear('mlp.down_proj', h, i, 'mlp'),
    norm('input_layernorm'),
    norm('post_attention_layernorm'),
    { name: 'model.norm.weight', kind: 'norm', module: 'norm', shape: [h], count: 1 },
  ];
  if (shape.tied !== true) {
    groups.push({ name: 'lm_head.weight', kind: 'head', module: 'linear', shape: [vocab, h], count: 1 });
  }
  const total = groups.reduce((sum, g) => sum + g.count * g.shape.reduce((a, b) => a * b, 1), 0);
  const block = 2 * h * heads * d + 2 * h * kvHeads * d + 3 * h * i + 2 * h;
  return {
    recorded: recordings('llama', undefined),
    name: 'test/llama',
    modelType: 'llama',
    architecture: 'LlamaForCausalLM',
    hiddenSize: h,
    layers,
    vocabSize: vocab,
    tiedEmbeddings: shape.tied === true,
    maxPositions: 8192,
    dtype: 'bfloat16',
    parameters: { total, active: total, byKind: {} },
    groups,
    blocks: [
      {
        className: 'LlamaDecoderLayer',
        count: layers,
        parameters: block,
        attention: { heads, kvHeads, headDim: d, valueHeadDim: d, kind: 'standard', qkNorm: false },
        mlp: { intermediateSize: i, gated: true },
        tower: 'text',
      },
    ],
    confidence: 'high',
    source: 'test',
    noSplitModules: ['LlamaDecoderLayer'],
    loraTargets: ['q_proj', 'v_proj'],
    assumptions: [],
  };
}

/** DeepSpeed's defaults (deepspeed/runtime/zero/config.py), with what a test sets. */
export function zero(stage: 0 | 1 | 2 | 3, set: Partial<{ [K in keyof ZeroSharding]: unknown }> = {}): ZeroSharding {
  const defaults = {
    stage,
    offloadOptimizer: 'none',
    offloadParam: 'none',
    pinMemory: false,
    offloadRatio: 1,
    overlapComm: stage === 3,
    contiguousGradients: true,
    reduceScatter: true,
    roundRobinGradients: false,
    reduceBucketElements: 5e8,
    allgatherBucketElements: 5e8,
    prefetchBucketElements: 5e7,
    persistenceThresholdElements: 1e5,
    maxLiveElements: 1e9,
    maxReuseDistanceElements: 1e9,
    subGroupElements: 1e9,
    hpzPartitionRanks: 1,
    quantizedWeights: false,
    quantizedGradients: false,
    micsShardRanks: -1,
    gatherWeightsOnSave: false,
    ...set,
  };
  const entries = Object.entries(defaults).map(([key, v]) => [key, value(v)]);
  return { kind: 'zero', gradAccumDtype: unknown('not written'), ...Object.fromEntries(entries) } as ZeroSharding;
}

export function fsdp(set: Partial<{ [K in keyof FsdpSharding]: unknown }> = {}): FsdpSharding {
  const defaults = {
    version: 2,
    strategy: 'FULL_SHARD',
    offloadParams: false,
    wrap: 'TRANSFORMER_BASED_WRAP',
    wrapClasses: ['LlamaDecoderLayer'],
    backwardPrefetch: 'BACKWARD_PRE',
    forwardPrefetch: false,
    limitAllGathers: true,
    useOrigParams: true,
    cpuRamEfficientLoading: true,
    stateDict: 'SHARDED_STATE_DICT',
    activationCheckpointing: false,
    ...set,
  };
  const entries = Object.entries(defaults).map(([key, v]) => [key, value(v)]);
  return { kind: 'fsdp', ...Object.fromEntries(entries) } as FsdpSharding;
}

export function megatron(set: Partial<{ [K in keyof MegatronSharding]: unknown }> = {}): MegatronSharding {
  const defaults = {
    distributedOptimizer: true,
    offloadOptimizer: false,
    sequenceParallel: false,
    dropout: 0,
    rotary: true,
    fusedAttention: true,
    ...set,
  };
  const entries = Object.entries(defaults).map(([key, v]) => [key, value(v)]);
  return { kind: 'megatron', ...Object.fromEntries(entries) } as MegatronSharding;
}

export const SINGLE: Sharding = { kind: 'single', gradientAsBucketView: value(false) };

/** What a test says about a run; the rest is a plain bf16 run on one GPU with fused AdamW. */
export interface RunSpec {
  readonly model?: Model;
  readonly sharding?: Sharding;
  readonly world?: number;
  readonly gpusPerNode?: number;
  readonly shard?: number;
  readonly micro?: number;
  readonly sequence?: number;
  readonly accumulation?: number;
  readonly checkpointing?: 'none' | 'full' | 'selective';
  readonly attention?: 'sdpa' | 'eager' | 'flash_attention_2';
  readonly weights?: 'fp32' | 'bf16';
  readonly compute?: 'fp32' | 'bf16';
  readonly mode?: 'autocast' | 'pure';
  readonly optimizer?: string;
  readonly implementation?: 'fused' | 'foreach' | 'loop';
  readonly lora?: {
    readonly rank: number;
    readonly targets: readonly string[];
    readonly dropout?: number;
    readonly dora?: boolean;
  };
  readonly quantization?: 'nf4';
  readonly packing?: boolean;
  readonly evaluation?: boolean;
  readonly saves?: boolean;
  readonly fusedLoss?: boolean;
}

export function testRun(spec: RunSpec = {}): TrainingRun {
  const world = spec.world ?? 1;
  const one = value(1);
  return {
    consumer: value('trainer'),
    consumers: ['trainer'],
    autos: [],
    frameworks: {},
    files: [],
    configs: {},
    model: value(spec.model ?? llamaModel(LLAMA_3_8B)),
    cluster: unknown('no target'),
    nodes: value(spec.gpusPerNode === undefined ? 1 : world / spec.gpusPerNode),
    gpusPerNode: value(spec.gpusPerNode ?? world),
    worldSize: value(world),
    batch: {
      micro: value(spec.micro ?? 1),
      accumulation: value(spec.accumulation ?? 1),
      global: unknown('not needed'),
      evalMicro: value(spec.micro ?? 1),
      sequenceLength: value(spec.sequence ?? 1024),
      meanSequenceLength: value(spec.sequence ?? 1024),
      packing: value(spec.packing ?? true),
    },
    parallelism: {
      tensor: one,
      pipeline: one,
      context: one,
      expert: one,
      data: value(world),
      shard: value(spec.shard ?? world),
    },
    sharding: value(spec.sharding ?? SINGLE),
    precision: {
      compute: value(spec.compute ?? 'bf16'),
      weights: value(spec.weights ?? 'bf16'),
      mode: value(spec.mode ?? 'pure'),
    },
    optimizer: {
      name: value(spec.optimizer ?? 'adamw_torch_fused'),
      implementation: spec.implementation === undefined ? unknown('not written') : value(spec.implementation),
      owner: 'trainer',
    },
    checkpointing: value(spec.checkpointing ?? 'none'),
    attention: value(spec.attention ?? 'sdpa'),
    fusedLoss: value(spec.fusedLoss ?? false),
    lora:
      spec.lora === undefined
        ? undefined
        : value({
            rank: value(spec.lora.rank),
            targets: value(spec.lora.targets),
            modulesToSave: value([]),
            dropout: value(spec.lora.dropout ?? 0),
            dora: value(spec.lora.dora ?? false),
          }),
    quantization: spec.quantization === undefined ? undefined : value(spec.quantization),
    method: value('sft'),
    torchCompile: value(false),
    gradientClipping: value(1),
    ompThreads: unknown('not written'),
    environment: {},
    evaluation: value(spec.evaluation ?? false),
    saves: value(spec.saves ?? false),
    disagreements: [],
  };
}
