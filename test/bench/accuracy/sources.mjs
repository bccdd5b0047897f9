// How each published source is read into a setup that configs of ours can express, or why it cannot.
// A setup: model, hardware, nodes, gpusPerNode, sharding, tensor, pipeline, context, precision, micro, accumulation, sequence,
// mean, packed, checkpointing, lora, quantization, optimizer, attention, compile, zero, measured, kind.

/** What the figure is: `allocated` by torch, `reserved` by its allocator, or `driver`, what nvidia-smi shows. */
function memory(kind, gib) {
  return gib === undefined ? {} : { memory: [{ kind, gib }] };
}

function time(setup, { step_s, iter_s, tokens_per_s_per_gpu: tokens }) {
  const tokensPerStep = setup.micro * setup.accumulation * setup.sequence;
  const data = (setup.nodes * setup.gpusPerNode) / ((setup.tensor ?? 1) * (setup.pipeline ?? 1) * (setup.context ?? 1));
  if (step_s !== undefined) return { seconds: step_s };
  if (iter_s !== undefined) return { seconds: iter_s * setup.accumulation };
  if (tokens === undefined) return {};
  return { seconds: (tokensPerStep * data) / (tokens * setup.nodes * setup.gpusPerNode) };
}

const place = (point, perNode = 8) => {
  const nodes = point.nodes ?? 1;
  return { nodes, gpusPerNode: Math.min(perNode, Math.max(1, point.gpus / nodes)) };
};

const CATALOG = {
  'llama-3-8b': 'meta-llama/Meta-Llama-3-8B',
  'llama-3.1-70b': 'meta-llama/Llama-3.1-70B',
  'llama-3.1-405b': 'meta-llama/Llama-3.1-405B',
  'llama-3.2-3b': 'meta-llama/Llama-3.2-3B',
  'llama-3.2-1b': 'meta-llama/Llama-3.2-1B',
  'llama-2-7b': 'meta-llama/Llama-2-7b-hf',
  'llama-2-13b': 'meta-llama/Llama-2-13b-hf',
  'llama-2-70b': 'meta-llama/Llama-2-70b-hf',
  'phi-1.5': 'microsoft/phi-1_5',
  'stablelm-base-alpha-3b': 'stabilityai/stablelm-base-alpha-3b',
};

const bloom = ({ layers, hidden, heads, vocab }) => ({
  model_type: 'bloom',
  architectures: ['BloomForCausalLM'],
  n_layer: layers,
  hidden_size: hidden,
  n_head: heads,
  vocab_size: vocab,
});

/** The kernel is named in the model's own config.json, as mosaicml/mpt-7b has it. */
const mpt = ({ layers, hidden, heads, vocab }, kernel) => ({
  model_type: 'mpt',
  architectures: ['MptForCausalLM'],
  n_layers: layers,
  d_model: hidden,
  n_heads: heads,
  expansion_ratio: 4,
  vocab_size: vocab,
  max_seq_len: 65536,
  attn_config: { attn_impl: kernel },
});

const gpt2 = ({ layers, hidden, heads, vocab }, positions) => ({
  model_type: 'gpt2',
  architectures: ['GPT2LMHeadModel'],
  n_layer: layers,
  n_embd: hidden,
  n_head: heads,
  vocab_size: vocab,
  n_positions: positions,
  activation_function: 'gelu_pytorch_tanh',
});

const llama = ({ layers, hidden, intermediate, heads, kv_heads, vocab }) => ({
  model_type: 'llama',
  architectures: ['LlamaForCausalLM'],
  num_hidden_layers: layers,
  hidden_size: hidden,
  intermediate_size: intermediate,
  num_attention_heads: heads,
  num_key_value_heads: kv_heads ?? heads,
  vocab_size: vocab,
  tie_word_embeddings: false,
});

const SEED_ZERO = {
  overlap_comm: true,
  contiguous_gradients: true,
  sub_group_size: 1e8,
  reduce_bucket_size: 5e7,
  stage3_prefetch_bucket_size: 5e7,
  stage3_param_persistence_threshold: 'auto',
  stage3_max_live_parameters: 1e8,
  stage3_max_reuse_distance: 1e8,
};
const SEED_HARDWARE = {
  'seed-p4d-ec2-4gpu-nvswitch': ['p4d.24xlarge', 'nvlink'],
  'seed-p4d-ec2-1gpu': ['p4d.24xlarge', 'nvlink'],
  'seed-p4d-pod-4gpu-nvswitch': ['p4d.24xlarge', 'nvlink'],
  'seed-g6e-pod-4gpu-shm': ['g6e.48xlarge', 'shm'],
  'seed-p5-pod-4gpu': ['p5.48xlarge', 'nvlink'],
  'seed-p4d-4pod-efa-gdrdma': ['p4d.24xlarge', 'efa-gdr'],
  'seed-g6e-4pod-libfabric-nogdr': ['g6e.48xlarge', 'efa'],
  'seed-p4d-4pod-tcp': ['p4d.24xlarge', 'tcp'],
  'seed-p5-4pod-efa-gdrdma': ['p5.48xlarge', 'efa-gdr'],
};

function seed(point) {
  const at = SEED_HARDWARE[point.id];
  if (at === undefined) return 'which GPU, or which batch, is not sure';
  const [instance, path] = at;
  const pods = point.nodes > 1;
  const setup = {
    model: CATALOG['llama-3-8b'],
    hardware: pods
      ? { instance, nodes: 4, gpusPerNode: 1, nodesPerMachine: 4, between: { transport: path, nicsPerNode: 1 } }
      : { instance, inside: { path } },
    nodes: point.nodes,
    gpusPerNode: point.gpus / point.nodes,
    sharding: 'zero3',
    zero: { ...SEED_ZERO, offload_optimizer: true, offload_param: true },
    precision: 'bf16',
    micro: 1,
    accumulation: 4,
    sequence: 512,
    mean: 75,
    checkpointing: 'full',
  };
  const { peak_mem_gib_per_gpu: allocated, peak_reserved_gib_per_gpu: reserved, step_s, ...more } = point.measured;
  const figures = [
    ...(memory('allocated', allocated).memory ?? []),
    ...(memory('reserved', reserved).memory ?? []),
    // DeepSpeed's see_memory_usage divides by 1024³ and says GB (deepspeed/runtime/utils.py).
    ...(memory('host', more.cpu_ram_used_gb_node).memory ?? []),
  ];
  return { ...setup, measured: { ...(figures.length > 0 ? { memory: figures } : {}), seconds: step_s } };
}

/**
 * The H100 of Meta's Grand Teton: 96 GB of HBM2e at 2.4 TB/s and 500 W, whose peak the source puts “between SXM and NVL, and we don't
 * know its exact value”; their mean is taken (benchmarks/llama3_h100_202412_torchtitan.md, Hardware and footnote 2).
 */
const TITAN_H100 = {
  node: {
    accelerator: {
      like: 'nvidia-h100-sxm5-80gb',
      name: 'H100 96GB HBM2e, 500 W',
      memoryGiB: 95,
      memoryGBps: 2400,
      peakTflops: { bf16: 912, fp16: 912, fp8: 1824 },
    },
    count: 8,
    hostMemoryGiB: 2000,
    vcpus: 192,
    pcieGeneration: 5,
  },
  between: { transport: 'roce', gbpsPerNic: 400, nicsPerNode: 8 },
};

function titan(point) {
  const { strategy, activation_checkpointing: recompute } = point;
  if (strategy.pp) return 'FSDP with pipeline stages is in no config of Accelerate or the Trainer';
  if (recompute.startsWith('selective'))
    return "torchtitan's recompute per operator is in no config of Accelerate or the Trainer";
  // Its plan shards the residual stream and the loss over the same ranks; transformers' tp_plan does neither.
  if (strategy.tp) return 'tensor parallelism with sequence and loss parallelism is in no config of Accelerate';
  const setup = {
    model: CATALOG[point.model.name],
    hardware: point.gpu.startsWith('H200')
      ? { ...TITAN_H100, node: { ...TITAN_H100.node, accelerator: 'nvidia-h200-sxm-141gb' } }
      : TITAN_H100,
    ...place(point),
    sharding: 'fsdp',
    tensor: strategy.tp,
    context: strategy.cp,
    precision: point.precision === 'bf16' ? 'bf16-autocast' : 'fp8-autocast',
    micro: point.micro_batch,
    accumulation: 1,
    sequence: point.seq_len,
    packed: true,
    checkpointing: 'full',
    compile: true,
  };
  const { peak_reserved_gib_per_gpu: peak } = point.measured;
  return { ...setup, measured: { ...memory('reserved', peak), ...time(setup, point.measured) } };
}

function tune(point) {
  const { other } = point;
  if (point.id.startsWith('tune-llama-3-8b')) return 'the recipe of the row is not named';
  if (other.opt_in_bwd) return 'the optimizer in backward is in no config of the Trainer';
  if (other.act_offload) return 'chunked loss, offloaded activations and the LoRA recipe are not named in full';
  if (!other.packed) return 'the longest sample is not published';
  const setup = {
    model: CATALOG[point.model.name],
    hardware: { node: { accelerator: 'nvidia-a100-sxm4-80gb', count: 1 } },
    nodes: 1,
    gpusPerNode: 1,
    sharding: 'single',
    precision: 'bf16',
    optimizer: 'adamw_torch_fused',
    micro: 2,
    accumulation: 1,
    sequence: 4096,
    packed: true,
    checkpointing: 'none',
    compile: other.compile === true,
  };
  const { peak_mem_gib_per_gpu: peak } = point.measured;
  return { ...setup, measured: { ...memory('allocated', peak), ...time(setup, point.measured) } };
}

function litgpt(point) {
  const { method, quant } = point.other;
  if (method !== 'finetune_lora') return `${method} is in no config of PEFT that we read`;
  if (point.strategy.fsdp)
    return 'the peak is litgpt loading the whole model on every GPU, which the Trainer does not do';
  const sequence = Number(/\d+/.exec(point.seq_len)[0]);
  const targets = { 'phi-1.5': ['q_proj', 'v_proj'], 'stablelm-base-alpha-3b': ['query_key_value'] };
  const base = {
    model: CATALOG[point.model.name],
    hardware: { node: { accelerator: 'nvidia-a100-sxm4-40gb', count: 1 } },
    nodes: 1,
    gpusPerNode: 1,
    sharding: 'single',
    precision: 'bf16',
    optimizer: 'adamw_torch',
    micro: point.micro_batch,
    accumulation: point.grad_accum,
    sequence,
    packed: true,
    checkpointing: 'none',
    attention: 'sdpa',
    lora: { rank: 8, targets: targets[point.model.name] ?? ['q_proj', 'v_proj'] },
  };
  // litgpt takes the kernel for GELU where transformers computes Phi's gelu_new in Python; a config can choose the kernel.
  if (point.model.name === 'phi-1.5') {
    base.model = {
      model_type: 'phi',
      architectures: ['PhiForCausalLM'],
      num_hidden_layers: 24,
      hidden_size: 2048,
      intermediate_size: 8192,
      num_attention_heads: 32,
      vocab_size: 51200,
      partial_rotary_factor: 0.5,
      hidden_act: 'gelu_pytorch_tanh',
    };
  }
  if (quant !== 'None') {
    base.quantization = quant === 'bnb.nf4-dq' ? 'nf4-double' : 'nf4';
    // litgpt's requirements-all.txt at that commit.
    base.frameworks = { bitsandbytes: '0.41.0' };
  }
  const { peak_mem_gib_per_gpu: peak } = point.measured;
  return { ...base, measured: memory('allocated', peak) };
}

const MPT_GPUS = {
  a100_40gb: ['nvidia-a100-sxm4-40gb', 4, 200],
  a100_80gb: ['nvidia-a100-sxm4-80gb', 4, 200],
  h100_80gb: ['nvidia-h100-sxm5-80gb', 5, 400],
};
/** The large runs of January 2024 name their kernel (scripts/train/benchmarking/sweep.py); before, the default was Triton's. */
const MPT_FLASH_2 = ['mpt-1b', 'mpt-3b', 'mpt-7b', 'mpt-70b'];

function llmFoundry(point) {
  const [accelerator, pcieGeneration, gbpsPerNic] = MPT_GPUS[point.gpu];
  const isLarge = point.gpu === 'h100_80gb' && point.gpus >= 128;
  const kernel = isLarge && MPT_FLASH_2.includes(point.model.name) ? 'flash' : 'triton';
  const setup = {
    model: mpt(point.model, kernel),
    hardware: {
      node: { accelerator, count: 8, vcpus: 128, pcieGeneration },
      between: { transport: 'roce', gbpsPerNic, nicsPerNode: 8 },
    },
    ...place(point),
    sharding: 'fsdp',
    fsdpVersion: 1,
    ...(point.strategy.sharding === 'SHARD_GRAD_OP' ? { strategy: 'SHARD_GRAD_OP' } : {}),
    precision: point.precision === 'bf16' ? 'bf16' : 'bf16-autocast',
    micro: point.micro_batch,
    accumulation: point.grad_accum,
    // Composer reduces after every micro-batch under FSDP (composer/trainer/trainer.py, ddp_sync_context).
    syncEach: true,
    sequence: point.seq_len,
    packed: true,
    checkpointing: point.activation_checkpointing,
    attention: 'flash_attention_2',
    // The A100 40 GB table was there before PyTorch 2 (image mosaicml/pytorch:1.13.1); the others are of October 2023 and later.
    frameworks: { torch: point.gpu === 'a100_40gb' ? '1.13.1' : '2.1.0' },
  };
  return { ...setup, measured: time(setup, point.measured) };
}

/** The one row that neither recomputes in part nor leaves its strategy open. */
function fmsFsdp(point) {
  const big = point.gpu === 'h100_80gb';
  const setup = {
    model: CATALOG[point.model.name],
    hardware: {
      node: { accelerator: MPT_GPUS[point.gpu][0], count: 8, vcpus: 96, pcieGeneration: big ? 5 : 4 },
      between: { transport: 'roce', gbpsPerNic: big ? 400 : 200, nicsPerNode: 2 },
    },
    ...place(point),
    sharding: 'fsdp',
    fsdpVersion: 1,
    strategy: point.strategy.fsdp,
    precision: 'bf16-autocast',
    micro: point.micro_batch,
    accumulation: 1,
    sequence: point.seq_len,
    packed: true,
    checkpointing: 'none',
    compile: true,
    frameworks: { torch: '2.4.0' },
  };
  return { ...setup, measured: time(setup, point.measured) };
}

const JEAN_ZAY = {
  node: { accelerator: 'nvidia-a100-sxm4-80gb', count: 8, hostMemoryGiB: 512, vcpus: 128, pcieGeneration: 4 },
  between: { transport: 'infiniband', gbpsPerNic: 100, nicsPerNode: 4 },
};

/** Layers, hidden size and heads as the headings of the chronicle say, where the collection guessed them from the model's size. */
const BLOOM_SHAPES = [
  [79, 97, { layers: 72, hidden: 14336 }],
  [125, 128, { layers: 106, hidden: 12288 }],
  [131, 132, { layers: 100, hidden: 12288 }],
  [133, 136, { layers: 82, hidden: 13312 }],
  [138, 138, { layers: 94, hidden: 13312 }],
  [139, 143, { layers: 70, hidden: 14336 }],
];
/** From 28 February 2022 on, the BF16 optimizer that sums gradients in fp32, and a slot for each embedding in the pipeline. */
const BLOOM_BF16_FROM = 128;

/** Rows whose figure another row of the same run contradicts: predicted and shown, but not scored. */
const BLOOM_CONTRADICTED = {
  49: 'The source gives 65 GB for 2 samples (this row) and 56 GB for 4 of the same run.',
  93: 'The source has two rows of this run, 44 GB and 38 GB (this one).',
};

function bloomPrequel(point) {
  const { tp, pp } = point.strategy;
  const number = Number(point.id.slice('bloom-'.length));
  const shape = BLOOM_SHAPES.find(([first, last]) => number >= first && number <= last)?.[2];
  const isBf16 = number >= BLOOM_BF16_FROM;
  const contradicted = BLOOM_CONTRADICTED[number];
  const setup = {
    ...(contradicted ? { contradicted } : {}),
    model: bloom({ ...point.model, ...shape }),
    hardware: JEAN_ZAY,
    ...place(point),
    sharding: 'zero1',
    tensor: tp,
    pipeline: pp,
    precision: isBf16 ? 'bf16' : 'fp16',
    ...(isBf16 ? { gradAccumDtype: 'fp32' } : {}),
    frameworks: { torch: '1.11.0', deepspeed: '0.6.0' },
    micro: point.micro_batch,
    accumulation: point.grad_accum,
    sequence: point.seq_len,
    packed: true,
    checkpointing: 'full',
    attention: 'eager',
  };
  // A snapshot of nvidia-smi, by the chronicle's own words. It prints MiB, and these cards have 81,251 of them: the chronicle's
  // row of "80GB" (#L660) can only be thousands of MiB.
  const { peak_mem_gib_per_gpu: peak } = point.measured;
  const gib = peak === undefined ? undefined : Math.round(peak * (1000 / 1024) * 10) / 10;
  return { ...setup, measured: { ...memory('driver', gib), ...time(setup, point.measured) } };
}

const ROCE_A100 = {
  node: { accelerator: 'nvidia-a100-sxm4-80gb', count: 8, hostMemoryGiB: 2048, vcpus: 128, pcieGeneration: 4 },
  between: { transport: 'roce', gbpsPerNic: 100, nicsPerNode: 4 },
};

function internEvo(point) {
  const { strategy } = point;
  const { tp = 1, pp = 1, dp, zero1_group: group = -1 } = strategy;
  if (group !== -1 && group !== dp) return 'ZeRO-1 within a group of ranks is in no config of DeepSpeed';
  // internlm/solver/optimizer/fsdp_optimizer.py and hybrid_zero_optim.py: 16-bit weights and gradients, fp32 copies of both, Adam.
  if (point.measured.peak_mem_gib_per_gpu !== undefined)
    return "InternEvo's own optimizer keeps fp32 copies of weights and gradients beside the 16-bit ones";
  const setup = {
    model: llama({ ...point.model, kv_heads: point.model.heads }),
    hardware: ROCE_A100,
    ...place(point),
    sharding: 'zero1',
    tensor: tp,
    pipeline: pp,
    precision: 'bf16',
    micro: point.micro_batch,
    accumulation: point.grad_accum,
    sequence: point.seq_len,
    packed: true,
    checkpointing: point.activation_checkpointing,
    attention: 'flash_attention_2',
  };
  return { ...setup, measured: time(setup, point.measured) };
}

function korthikanti(point) {
  if (point.kind === 'analytic') return 'figures of a formula, not of a run';
  const { tp, pp, vpp } = point.strategy;
  const isSelective = point.activation_checkpointing !== 'full';
  if (isSelective && vpp > 1) return 'an interleaved schedule is in no config of Accelerate';
  const setup = {
    model: gpt2(point.model, point.seq_len),
    hardware: {
      node: { accelerator: 'nvidia-a100-sxm4-80gb', count: 8, hostMemoryGiB: 2048, vcpus: 256, pcieGeneration: 4 },
      between: { transport: 'infiniband', gbpsPerNic: 200, nicsPerNode: 8 },
    },
    ...place(point),
    // Accelerate's Megatron plugin had selective recomputation or none before 1.13, and DeepSpeed has no selective one.
    ...(isSelective
      ? { sharding: 'megatron', sequenceParallel: true, frameworks: { accelerate: '1.12.0' } }
      : { sharding: 'zero1' }),
    tensor: tp,
    pipeline: pp,
    precision: isSelective ? 'fp16-autocast' : 'fp16',
    micro: point.micro_batch,
    accumulation: point.grad_accum,
    sequence: point.seq_len,
    packed: true,
    checkpointing: isSelective ? 'selective' : 'full',
    ...(isSelective ? {} : { attention: 'eager' }),
  };
  return { ...setup, measured: time(setup, point.measured) };
}

const BERT_CLASSIFIER = {
  model_type: 'bert',
  architectures: ['BertForSequenceClassification'],
  num_hidden_layers: 24,
  hidden_size: 1024,
  intermediate_size: 4096,
  num_attention_heads: 16,
  vocab_size: 30522,
  max_position_embeddings: 512,
};
const BERT_OPTIMIZERS = { adamw_hf: 'adamw_hf', adafactor: 'adafactor', 'bnb adam8bit': 'adamw_bnb_8bit' };

function huggingFace(point) {
  const context = point.other.cuda_context_mib / 1024;
  const setup = {
    model: BERT_CLASSIFIER,
    hardware: { node: { accelerator: 'nvidia-v100-sxm2-16gb', count: 1 } },
    nodes: 1,
    gpusPerNode: 1,
    sharding: 'single',
    precision: point.precision === 'fp32' ? 'fp32' : 'fp16-autocast',
    optimizer: BERT_OPTIMIZERS[point.other.optimizer],
    micro: point.micro_batch,
    accumulation: point.grad_accum,
    sequence: 512,
    packed: true,
    checkpointing: point.activation_checkpointing,
    attention: 'eager',
    frameworks: { transformers: '4.20.0', torch: '1.12.0' },
  };
  const { peak_mem_nvml_gib: peak } = point.measured;
  return { ...setup, measured: { ...memory('reserved', peak - context), seconds: point.measured.step_s } };
}

/** The pages give configs and launch lines in full: TRL, packed, LoRA of rank 8 on all linear layers. */
function peftPages(point) {
  const { text } = point.strategy;
  const isQuantized = text.startsWith('QLoRA');
  const offloads = text.includes('cpu offload');
  const setup = {
    model: CATALOG['llama-2-70b'],
    hardware: isQuantized
      ? { node: { accelerator: 'nvidia-a100-sxm4-40gb', count: 2 } }
      : { node: { accelerator: 'nvidia-h100-sxm5-80gb', count: 8 } },
    nodes: 1,
    gpusPerNode: isQuantized ? 2 : 8,
    sharding: text.includes('ZeRO-3') ? 'zero3' : 'fsdp',
    fsdpVersion: 1,
    ...(offloads ? { offload: true } : {}),
    precision: text.includes('ZeRO-3') ? 'bf16' : 'bf16-over-bf16',
    micro: point.micro_batch,
    accumulation: point.grad_accum,
    sequence: point.seq_len,
    packed: true,
    trl: true,
    checkpointing: 'full',
    attention: 'flash_attention_2',
    lora: { rank: 8, targets: 'all-linear', dropout: 0.1 },
    ...(isQuantized ? { quantization: 'nf4-double' } : {}),
    frameworks: { transformers: '4.45.0', trl: '0.12.0', torch: '2.4.0' },
  };
  const host = point.measured.cpu_ram_gb;
  const figures = [
    ...memory('driver', point.measured.peak_mem_gib_per_gpu).memory,
    // “Around 107 GB” of host memory, decimal.
    ...(memory('host', host && (host * 1e9) / 2 ** 30).memory ?? []),
  ];
  return { ...setup, measured: { memory: figures } };
}

/** Mean tokens of a sample and seconds of a step are in the results; transformers' own model code, weights in 16 bit. */
function peftSteps(point) {
  const rank = Number(/rank(\d+)/.exec(point.id)?.[1]);
  const targets = point.id.includes('target-mlp') ? ['gate_proj', 'up_proj', 'down_proj'] : ['q_proj', 'v_proj'];
  const setup = {
    model: CATALOG[point.model.name],
    hardware: { node: { accelerator: 'nvidia-l40s', count: 1 } },
    nodes: 1,
    gpusPerNode: 1,
    sharding: 'single',
    precision: 'bf16',
    optimizer: 'adamw_torch',
    micro: point.micro_batch,
    accumulation: 1,
    sequence: point.seq_len,
    mean: point.other.mean,
    checkpointing: 'none',
    attention: 'sdpa',
    ...(Number.isNaN(rank) ? {} : { lora: { rank, targets } }),
    frameworks: { torch: '2.7.1', transformers: '4.52.4' },
  };
  return { ...setup, measured: time(setup, point.measured) };
}

function blog(point) {
  if (point.kind === 'load') return 'a figure of loading on the host, before training';
  if (point.id !== 'hfblog-70b-fsdp') return 'whether activations are recomputed is not said';
  return 'the time includes evaluations and checkpoints';
}

const no = (why) => () => why;

/** Longest prefixes first: a point belongs to the first source whose prefix it has. */
export const SOURCES = [
  { prefix: 'seed-', name: 'training-on-eks', read: seed },
  { prefix: 'titan-', name: 'torchtitan', read: titan },
  { prefix: 'tune-', name: 'torchtune', read: tune },
  { prefix: 'litgpt-', name: 'litgpt', read: litgpt },
  { prefix: 'mpt-', name: 'llm-foundry', read: llmFoundry },
  { prefix: 'fms-', name: 'fms-fsdp', read: fmsFsdp },
  { prefix: 'bloom-', name: 'BLOOM', read: bloomPrequel },
  { prefix: 'internevo-', name: 'InternEvo', read: internEvo },
  {
    prefix: 'nemo-',
    name: 'NeMo',
    read: no('recompute and overlap settings are in recipes that the table does not give'),
  },
  {
    prefix: 'mcore-',
    name: 'Megatron-LM',
    read: no(
      "Megatron-LM's functional tests: deterministic, mostly toy widths, with flags that Accelerate's plugin does not pass",
    ),
  },
  { prefix: 'kor-', name: 'Korthikanti et al.', read: korthikanti },
  { prefix: 'hf-', name: 'Hugging Face docs', read: huggingFace },
  { prefix: 'peftstep-', name: 'PEFT benchmark', read: peftSteps },
  { prefix: 'hfblog-', name: 'Hugging Face blog', read: blog },
  {
    prefix: 'peft-',
    name: 'PEFT benchmark',
    read: no(
      'the longest batch is not published; 768 tokens is only the cap, and most rows are adapters that no config of ours has',
    ),
  },
  { prefix: 'peftdoc-', name: 'PEFT docs', read: peftPages },
  { prefix: 'peftreadme-', name: 'PEFT readme', read: no('neither batch nor sequence is published') },
  { prefix: 'swift-', name: 'ms-swift', read: no('neither batch nor sequence is published') },
  { prefix: 'ds-', name: 'DeepSpeed tutorial', read: no('neither stage, batch nor sequence is published') },
  { prefix: 'liger-', name: 'Liger Kernel', read: no('one kernel, not a run') },
];
