import type { Cluster, Link } from '../../../../server/src/core/hardware/hardware';
import type { Model, ParameterGroup } from '../../../../server/src/core/models/model';
import { type Known, known, unknown } from '../../../../server/src/core/run/known';
import type {
  FsdpSharding,
  Parallelism,
  ReplicatedSharding,
  TrainingRun,
  ZeroSharding,
} from '../../../../server/src/core/run/training-run';
import { loadRecordings } from '../../../../server/src/data/activations';

/** A value as a test states it. */
export function given<T>(value: T): Known<T> {
  return known(value, { kind: 'assumed', because: 'the test says so' });
}

export interface Decoder {
  readonly name: string;
  readonly hidden: number;
  readonly layers: number;
  readonly intermediate: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly vocab: number;
  readonly tied?: boolean;
  readonly gated?: boolean;
}

export const LLAMA_3_8B: Decoder = {
  name: 'meta-llama/Meta-Llama-3-8B',
  hidden: 4096,
  layers: 32,
  intermediate: 14336,
  heads: 32,
  kvHeads: 8,
  vocab: 128256,
};

/** A decoder-only model from its architecture numbers, as the models part describes one. */
export function decoder({
  name,
  hidden,
  layers,
  intermediate,
  heads,
  kvHeads,
  vocab,
  tied = false,
  gated = true,
}: Decoder): Model {
  const headDim = hidden / heads;
  const groups: ParameterGroup[] = [];
  const add = (group: Omit<ParameterGroup, 'count'> & { readonly count?: number }): void => {
    groups.push({ ...group, count: group.count ?? 1 });
  };
  const linear = (path: string, kind: ParameterGroup['kind'], out: number, into: number): void =>
    add({ name: `model.layers.*.${path}.weight`, kind, module: 'linear', shape: [out, into], count: layers, block: 0 });
  add({ name: 'model.embed_tokens.weight', kind: 'embedding', module: 'embedding', shape: [vocab, hidden] });
  linear('self_attn.q_proj', 'attention', heads * headDim, hidden);
  linear('self_attn.k_proj', 'attention', kvHeads * headDim, hidden);
  linear('self_attn.v_proj', 'attention', kvHeads * headDim, hidden);
  linear('self_attn.o_proj', 'attention', hidden, heads * headDim);
  if (gated) linear('mlp.gate_proj', 'mlp', intermediate, hidden);
  linear('mlp.up_proj', 'mlp', intermediate, hidden);
  linear('mlp.down_proj', 'mlp', hidden, intermediate);
  add({
    name: 'model.layers.*.input_layernorm.weight',
    kind: 'norm',
    module: 'norm',
    shape: [hidden],
    count: layers,
    block: 0,
  });
  add({
    name: 'model.layers.*.post_attention_layernorm.weight',
    kind: 'norm',
    module: 'norm',
    shape: [hidden],
    count: layers,
    block: 0,
  });
  add({ name: 'model.norm.weight', kind: 'norm', module: 'norm', shape: [hidden] });
  if (!tied) add({ name: 'lm_head.weight', kind: 'head', module: 'linear', shape: [vocab, hidden] });
  const size = ({ shape, count }: ParameterGroup): number => shape.reduce((product, n) => product * n, count);
  const byKind: Record<string, number> = {};
  for (const group of groups) byKind[group.kind] = (byKind[group.kind] ?? 0) + size(group);
  const total = groups.reduce((sum, group) => sum + size(group), 0);
  const inBlock = groups.filter(({ block }) => block === 0).reduce((sum, group) => sum + size(group), 0) / layers;
  return {
    recorded: loadRecordings()('llama', undefined),
    name,
    modelType: 'llama',
    architecture: 'LlamaForCausalLM',
    hiddenSize: hidden,
    layers,
    vocabSize: vocab,
    tiedEmbeddings: tied,
    maxPositions: 8192,
    dtype: 'bfloat16',
    parameters: { total, active: total, byKind },
    groups,
    blocks: [
      {
        className: 'LlamaDecoderLayer',
        count: layers,
        parameters: inBlock,
        attention: { heads, kvHeads, headDim, valueHeadDim: headDim, kind: 'standard', qkNorm: false },
        mlp: { intermediateSize: intermediate, gated },
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

export function zero(stage: 0 | 1 | 2 | 3, changes: Partial<ZeroSharding> = {}): ZeroSharding {
  return {
    kind: 'zero',
    stage: given(stage),
    offloadOptimizer: given('none'),
    offloadParam: given('none'),
    pinMemory: given(true),
    offloadRatio: given(1),
    overlapComm: given(true),
    contiguousGradients: given(true),
    reduceScatter: given(true),
    roundRobinGradients: given(false),
    reduceBucketElements: given(5e8),
    allgatherBucketElements: given(5e8),
    prefetchBucketElements: given(5e7),
    persistenceThresholdElements: given(1e5),
    maxLiveElements: given(1e9),
    maxReuseDistanceElements: given(1e9),
    subGroupElements: given(1e9),
    hpzPartitionRanks: given(1),
    quantizedWeights: given(false),
    quantizedGradients: given(false),
    micsShardRanks: given(-1),
    gatherWeightsOnSave: given(false),
    gradAccumDtype: given('bf16'),
    ...changes,
  };
}

export function fsdp(changes: Partial<FsdpSharding> = {}): FsdpSharding {
  return {
    kind: 'fsdp',
    version: given(1),
    strategy: given('FULL_SHARD'),
    offloadParams: given(false),
    wrap: given('TRANSFORMER_BASED_WRAP'),
    wrapClasses: given(['LlamaDecoderLayer']),
    backwardPrefetch: given('BACKWARD_PRE'),
    forwardPrefetch: given(false),
    limitAllGathers: given(true),
    useOrigParams: given(true),
    cpuRamEfficientLoading: given(true),
    stateDict: given('SHARDED_STATE_DICT'),
    activationCheckpointing: given(false),
    ...changes,
  };
}

export function replicated(kind: 'single' | 'ddp'): ReplicatedSharding {
  return { kind, gradientAsBucketView: given(false) };
}

export interface RunShape {
  readonly model: Model;
  readonly cluster: Cluster;
  readonly sharding: ZeroSharding | FsdpSharding | ReplicatedSharding;
  readonly micro?: number;
  readonly accumulation?: number;
  readonly length?: number;
  readonly tensor?: number;
  readonly pipeline?: number;
  readonly context?: number;
  readonly expert?: number;
  readonly shard?: number;
  readonly changes?: Partial<TrainingRun>;
}

/** A whole run on the cluster; data-parallel over what tensor, pipeline and context leave. */
export function run(shape: RunShape): TrainingRun {
  const { model, cluster, sharding, micro = 1, accumulation = 1, length = 2048 } = shape;
  const { tensor = 1, pipeline = 1, context = 1, expert = 1 } = shape;
  const world = cluster.nodes * cluster.gpusPerNode;
  const data = world / (tensor * pipeline * context);
  const parallelism: Parallelism = {
    tensor: given(tensor),
    pipeline: given(pipeline),
    context: given(context),
    expert: given(expert),
    data: given(data),
    shard: given(shape.shard ?? data),
  };
  return {
    consumer: given('trainer'),
    consumers: ['trainer'],
    autos: [],
    frameworks: {},
    files: [],
    configs: {},
    model: given(model),
    cluster: given(cluster),
    nodes: given(cluster.nodes),
    gpusPerNode: given(cluster.gpusPerNode),
    worldSize: given(world),
    batch: {
      micro: given(micro),
      accumulation: given(accumulation),
      global: given(micro * accumulation * data),
      evalMicro: given(micro),
      sequenceLength: given(length),
      meanSequenceLength: given(length),
      packing: given(true),
    },
    parallelism,
    sharding: given(sharding),
    precision: { compute: given('bf16'), weights: given('bf16'), mode: given('pure') },
    optimizer: { name: given('adamw_torch'), implementation: given('fused'), owner: 'trainer' },
    checkpointing: given('full'),
    attention: given('sdpa'),
    fusedLoss: given(false),
    lora: undefined,
    quantization: undefined,
    method: given('sft'),
    torchCompile: given(false),
    gradientClipping: given(1),
    ompThreads: unknown('no launch file sets OMP_NUM_THREADS'),
    environment: {},
    evaluation: given(false),
    saves: given(true),
    disagreements: [],
    ...shape.changes,
  };
}

/** ZeRO-3 with optimizer and parameters on the CPU, as the published Llama-3-8B runs had it. */
export function offloadedSharding(): ZeroSharding {
  return zero(3, {
    offloadOptimizer: given('cpu'),
    offloadParam: given('cpu'),
    reduceBucketElements: given(5e7),
    prefetchBucketElements: given(5e7),
    persistenceThresholdElements: given(40960),
    maxLiveElements: given(1e8),
    maxReuseDistanceElements: given(1e8),
    subGroupElements: given(1e8),
  });
}

export function link(kind: Link['kind'], bytesPerSecond: number, changes: Partial<Link> = {}): Link {
  return {
    kind,
    bytesPerSecond,
    low: bytesPerSecond * 0.8,
    high: bytesPerSecond * 1.2,
    ringBytesPerSecond: bytesPerSecond,
    wireBytesPerSecond: bytesPerSecond,
    latencySeconds: 4e-6,
    basis: 'given',
    domain: 8,
    source: 'test',
    label: `${kind} ${bytesPerSecond / 1e9} GB/s`,
    ...changes,
  };
}
