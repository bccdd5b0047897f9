// What other estimators' published formulas say of the same points. Data for the benchmark only: nothing of it is in the product.
const GIB = 2 ** 30;

/** The facts these formulas ask for, from the setup and the model the product resolved. */
export function factsOf(point, model) {
  const block = model.blocks[0];
  const elements = model.groups.map(({ shape }) => shape.reduce((product, size) => product * size, 1));
  return {
    parameters: model.parameters.total,
    largestLayer: Math.max(...elements),
    layers: model.layers,
    hidden: model.hiddenSize,
    heads: block?.attention?.heads ?? 1,
    kvRatio: (block?.attention?.kvHeads ?? 1) / (block?.attention?.heads ?? 1),
    expansion: (block?.mlp?.intermediateSize ?? 4 * model.hiddenSize) / model.hiddenSize,
    mlpLinears: block?.mlp?.gated ? 3 : 2,
    vocabulary: model.vocabSize,
    gpus: point.nodes * point.gpusPerNode,
  };
}

export const PEERS = [
  {
    name: 'DeepSpeed',
    what: 'estimate_zero2/3_model_states_mem_needs',
    source: 'deepspeed/runtime/zero/stage_1_and_2.py:4017 and stage3.py:4016 (v0.19.8)',
    gib: deepspeed,
  },
  {
    name: 'accelerate',
    what: 'estimate-memory, “Training using Adam”',
    source: 'accelerate src/accelerate/commands/estimate.py, estimate_training_usage (00e4d264)',
    gib: accelerate,
  },
  {
    name: 'cookbook',
    what: 'calc_transformer_mem.py',
    source: 'EleutherAI/cookbook calc/calc_transformer_mem.py, calc_mem (069ae2ef)',
    gib: cookbook,
  },
  {
    name: 'LLaMA-Factory',
    what: 'hardware requirement table',
    source: 'hiyouga/LLaMA-Factory README.md, Hardware Requirement (ff6d4d12)',
    gib: llamaFactory,
  },
];

/** GPU bytes of stages 2 and 3; the functions know no other. Stage 1 has no estimator, so stage 2's is what people run. */
function deepspeed(point, { parameters, largestLayer, gpus }) {
  const { sharding, zero = {} } = point;
  // They know no other parallelism.
  if (!sharding.startsWith('zero') || point.tensor > 1 || point.pipeline > 1) return undefined;
  const offload = zero.offload_optimizer === true;
  if (sharding !== 'zero3') return (offload ? 2 * parameters : 2 * parameters + (18 * parameters) / gpus) / GIB;
  const layer = 4 * largestLayer;
  if (offload && zero.offload_param) return layer / GIB;
  return (layer + ((offload ? 2 : 18) * parameters) / gpus) / GIB;
}

/** The largest of model, gradients, optimizer and step, for one GPU; it knows no LoRA. Parameters are counted in fp32. */
function accelerate(point, { parameters, gpus }) {
  if (gpus > 1) return undefined;
  const size = 4 * parameters;
  const parts = point.precision === 'fp32' ? [size, size, 2 * size, 4 * size] : [size, 1.5 * size, 2 * size, 2 * size];
  return Math.max(...parts) / GIB;
}

/** Its own parameter count, and its defaults where a run has no key for them: 4-byte gradients, 5e8 gathered, 1e9 live. */
function cookbook(point, facts) {
  if (point.lora !== undefined || point.quantization !== undefined) return undefined;
  const { hidden: h, layers: l, vocabulary, kvRatio, expansion, mlpLinears, heads, gpus } = facts;
  const { sequence: s, micro: b, tensor = 1, pipeline = 1, sharding, precision } = point;
  const stage = sharding === 'fsdp' || sharding === 'zero3' ? 3 : sharding === 'zero1' ? 1 : 0;
  const parameters =
    2 * vocabulary * h + h * s + 8 * h * l + 2 * h + 2 * (1 + kvRatio) * l * h * h + mlpLinears * l * h * expansion * h;
  const low = precision === 'fp32' ? 4 : 2;
  const isSharded = (from) => (stage >= from ? gpus : 1);
  const weights = (parameters * low) / (tensor * pipeline) / isSharded(3);
  const gradients = (parameters * 4) / isSharded(2);
  const optimizer = (parameters * 12) / isSharded(1);
  const buffers = stage >= 1 && gpus > 1 ? 5e8 * low + (stage === 3 ? 1e9 * low : 0) : 0;
  const perToken = 16 * 2 + 2 + (point.checkpointing === 'full' ? 0 : 5 * ((heads * s) / h));
  // Its own examples with tensor parallelism give --partition-activations.
  return (weights + gradients + optimizer + buffers + (s * b * h * l * perToken) / tensor) / GIB;
}

/** Bytes per parameter by method, over all GPUs: 18 in mixed precision, 8 pure, 2 LoRA, 0.5 with 4 bits. */
function llamaFactory(point, { parameters, gpus }) {
  const isPure = point.sharding === 'single' && point.precision === 'bf16';
  const bytes = point.quantization !== undefined ? 0.5 : point.lora !== undefined ? 2 : isPure ? 8 : 18;
  return (bytes * parameters) / gpus / GIB;
}

/** What people fall back on for time: 6 FLOPs per parameter and token (8 with recomputation) at 40 % of the peak. */
export function constantMfu(point, { parameters, gpus }, peak) {
  const { micro, accumulation, sequence, mean, tensor = 1, pipeline = 1, context = 1 } = point;
  const data = gpus / (tensor * pipeline * context);
  const tokens = micro * accumulation * (mean ?? sequence) * data;
  return (tokens * parameters * (point.checkpointing === 'full' ? 8 : 6)) / (gpus * 0.4 * peak);
}
