// Writes the files that a user would have written for a setup of points.json: a Trainer file, what starts it, and the target.

/** Files by name, and the one to analyse. */
export function configsOf(setup) {
  const files = { 'shardlens.json': json(settings(setup)), 'cluster.json': json(cluster(setup)) };
  if (typeof setup.model !== 'string') files['model/config.json'] = json(setup.model);
  files['train.yaml'] = yaml(trainer(setup));
  if (setup.sharding.startsWith('zero')) files['ds_config.json'] = json(deepspeed(setup));
  const accelerated = setup.sharding === 'fsdp' || setup.sharding === 'ddp' || setup.sharding === 'megatron';
  if (accelerated) files['accelerate.yaml'] = yaml(accelerate(setup));
  const environment = setup.allocator ? `PYTORCH_CUDA_ALLOC_CONF=${setup.allocator} ` : '';
  files['launch.sh'] = accelerated
    ? `${environment}accelerate launch --config_file accelerate.yaml ${script(setup)} --config train.yaml\n`
    : `${environment}torchrun --nnodes ${setup.nodes} --nproc_per_node ${setup.gpusPerNode} ${script(setup)} --config train.yaml\n`;
  return { files, main: 'train.yaml' };
}

const script = ({ trl }) => (trl ? 'sft.py' : 'train.py');

function settings({ nodes, gpusPerNode, mean, frameworks, sequence, packed }) {
  return {
    target: 'it',
    targets: { it: { hardware: 'cluster.json', nodes, gpusPerNode } },
    ...(packed ? {} : { sequenceLength: sequence }),
    ...(mean === undefined ? {} : { meanSequenceLength: mean }),
    frameworks: { transformers: '5.18.0', accelerate: '1.15.0', deepspeed: '0.19.6', torch: '2.13.0', ...frameworks },
  };
}

function cluster({ hardware, nodes, gpusPerNode }) {
  return { nodes, gpusPerNode, ...hardware };
}

/** Flags of the Trainer and the dtype the checkpoint is loaded in, by precision. */
const PRECISIONS = {
  fp32: { bf16: false, dtype: 'float32' },
  bf16: { bf16: false, dtype: 'bfloat16' },
  fp16: { fp16: true, dtype: 'float32' },
  'bf16-autocast': { bf16: true, dtype: 'float32' },
  'bf16-over-bf16': { bf16: true, dtype: 'bfloat16' },
  'fp16-autocast': { fp16: true, dtype: 'float32' },
  'fp8-autocast': { dtype: 'float32' },
};

function trainer(setup) {
  const { model, sharding, precision, micro, accumulation, sequence, packed, trl } = setup;
  const flags = PRECISIONS[precision];
  return {
    model_name_or_path: typeof model === 'string' ? model : './model',
    output_dir: 'out',
    per_device_train_batch_size: micro,
    gradient_accumulation_steps: accumulation,
    ...(setup.syncEach ? { accelerator_config: { gradient_accumulation_kwargs: { sync_each_batch: true } } } : {}),
    // FSDP recomputes by its own key; with both the Trainer raises.
    gradient_checkpointing: setup.checkpointing === 'full' && sharding !== 'fsdp',
    ...(sharding.startsWith('zero')
      ? { deepspeed: 'ds_config.json', [precision === 'fp16' ? 'fp16' : 'bf16']: true }
      : flags),
    ...(trl ? { max_length: sequence, packing: packed, dtype: flags.dtype } : packed ? { block_size: sequence } : {}),
    ...(packed || trl ? {} : { packing: false }),
    ...(setup.optimizer === undefined ? {} : { optim: setup.optimizer }),
    ...(setup.attention === undefined ? {} : { attn_implementation: setup.attention }),
    ...(setup.compile ? { torch_compile: true } : {}),
    ...(setup.liger ? { use_liger_kernel: true } : {}),
    ...(setup.lora === undefined
      ? {}
      : {
          use_peft: true,
          lora_r: setup.lora.rank,
          lora_target_modules: setup.lora.targets,
          lora_dropout: setup.lora.dropout ?? 0,
        }),
    ...(setup.quantization === undefined
      ? {}
      : {
          load_in_4bit: true,
          bnb_4bit_quant_type: 'nf4',
          use_bnb_nested_quant: setup.quantization === 'nf4-double',
        }),
    save_strategy: 'no',
  };
}

function deepspeed({ sharding, zero = {}, precision, gradAccumDtype, tensor, pipeline, accumulation, micro }) {
  const { offload_optimizer, offload_param, ...keys } = zero;
  const toHost = { device: 'cpu', pin_memory: true };
  return {
    [precision === 'fp16' ? 'fp16' : 'bf16']: { enabled: true },
    zero_optimization: {
      stage: Number(sharding.slice(4)),
      ...(offload_optimizer ? { offload_optimizer: toHost } : {}),
      ...(offload_param ? { offload_param: toHost } : {}),
      ...keys,
    },
    ...(gradAccumDtype === undefined ? {} : { data_types: { grad_accum_dtype: gradAccumDtype } }),
    ...(tensor > 1 ? { tensor_parallel: { autotp_size: tensor } } : {}),
    ...(pipeline === undefined ? {} : { pipeline: { stages: pipeline } }),
    gradient_clipping: 1.0,
    train_micro_batch_size_per_gpu: micro,
    gradient_accumulation_steps: accumulation,
  };
}

function accelerate(setup) {
  const { nodes, gpusPerNode, tensor = 1, context = 1, replicate = 1, precision } = setup;
  const mixed = /^(bf16|fp16|fp8)-/.exec(precision)?.[1] ?? 'no';
  const common = {
    compute_environment: 'LOCAL_MACHINE',
    distributed_type: setup.sharding === 'ddp' ? 'MULTI_GPU' : 'FSDP',
    mixed_precision: mixed,
    num_machines: nodes,
    num_processes: nodes * gpusPerNode,
    machine_rank: 0,
    rdzv_backend: 'static',
    same_network: true,
  };
  if (setup.sharding === 'ddp') return common;
  if (setup.sharding === 'megatron') {
    const prefixed = Object.entries({
      tp_degree: tensor,
      pp_degree: setup.pipeline,
      num_micro_batches: setup.accumulation,
      gradient_clipping: 1.0,
      sequence_parallelism: setup.sequenceParallel,
      // The releases before 1.13 have selective recomputation or none.
      recompute_activations: setup.checkpointing === 'selective',
      use_distributed_optimizer: false,
    }).map(([key, value]) => [`megatron_lm_${key}`, value]);
    return { ...common, distributed_type: 'MEGATRON_LM', megatron_lm_config: Object.fromEntries(prefixed) };
  }
  const shard = (nodes * gpusPerNode) / (tensor * context * replicate);
  return {
    ...common,
    fsdp_config: {
      fsdp_version: setup.fsdpVersion ?? 2,
      fsdp_auto_wrap_policy: 'TRANSFORMER_BASED_WRAP',
      ...(setup.fsdpVersion === 1
        ? { fsdp_sharding_strategy: setup.strategy ?? 'FULL_SHARD' }
        : { fsdp_reshard_after_forward: setup.reshard ?? true }),
      fsdp_cpu_ram_efficient_loading: true,
      fsdp_state_dict_type: 'SHARDED_STATE_DICT',
      fsdp_activation_checkpointing: setup.checkpointing === 'full',
      ...(setup.offload ? { fsdp_offload_params: true } : {}),
    },
    ...(tensor * context * replicate > 1
      ? {
          parallelism_config: {
            parallelism_config_dp_replicate_size: replicate,
            parallelism_config_dp_shard_size: shard,
            parallelism_config_tp_size: tensor,
            parallelism_config_cp_size: context,
          },
        }
      : {}),
  };
}

const json = (value) => `${JSON.stringify(value, null, 2)}\n`;

/** Block style: mappings, and lists of plain words. */
function yaml(value, indent = '') {
  let text = '';
  for (const [key, one] of Object.entries(value)) {
    if (one === undefined) continue;
    if (Array.isArray(one)) text += `${indent}${key}: [${one.join(', ')}]\n`;
    else if (typeof one === 'object') text += `${indent}${key}:\n${yaml(one, `${indent}  `)}`;
    else text += `${indent}${key}: ${one === 'no' ? '"no"' : one}\n`;
  }
  return text;
}
