import { ownValue } from '../own-value';
import { valueIfKnown } from '../run/known';
import type { TrainingRun } from '../run/training-run';

/**
 * Values worth proposing for keys whose type is any number or text: powers of two for batches, for buckets what DeepSpeed's
 * default and its own examples use (deepspeed/runtime/zero/config.py and docs/code-docs, 0.19.6), for groups of ranks what
 * the machine of the run allows.
 */
export function sensibleValues(key: string, run?: TrainingRun): readonly (number | string)[] {
  const name = lastPart(key);
  const ranks = ownValue(RANKS, name);
  return (ranks && run ? ranks(run) : undefined) ?? ownValue(VALUES, name) ?? [];
}

/** Of keys with a long list of values, those that most runs use: they come first, and say what the run would need with them. */
export function usualValues(key: string): readonly string[] {
  return ownValue(USUAL, lastPart(key)) ?? [];
}

function lastPart(key: string): string {
  return key.slice(key.lastIndexOf('.') + 1);
}

const BATCHES = [1, 2, 4, 8, 16, 32];
const BUCKETS = [5e7, 1e8, 2e8, 5e8];
const LENGTHS = [512, 1024, 2048, 4096, 8192];
const ATTENTION = ['sdpa', 'flash_attention_2', 'flash_attention_3', 'eager'];

const VALUES: Readonly<Record<string, readonly (number | string)[]>> = {
  per_device_train_batch_size: BATCHES,
  per_device_eval_batch_size: BATCHES,
  train_micro_batch_size_per_gpu: BATCHES,
  gradient_accumulation_steps: BATCHES,
  max_length: LENGTHS,
  max_seq_length: LENGTHS,
  block_size: LENGTHS,
  model_max_length: LENGTHS,
  cutoff_len: LENGTHS,
  max_completion_length: LENGTHS,
  max_prompt_length: LENGTHS,
  reduce_bucket_size: BUCKETS,
  allgather_bucket_size: BUCKETS,
  stage3_prefetch_bucket_size: [5e6, ...BUCKETS],
  stage3_param_persistence_threshold: [1e4, 1e5, 1e6],
  stage3_max_live_parameters: [1e8, 5e8, 1e9],
  stage3_max_reuse_distance: [1e8, 5e8, 1e9],
  sub_group_size: [1e8, 5e8, 1e9],
  ratio: [0.25, 0.5, 0.75, 1],
  lora_r: [8, 16, 32, 64, 128],
  attn_implementation: ATTENTION,
  parallelism_config_sp_attn_implementation: ATTENTION.slice(0, 3),
};

const RANKS: Readonly<Record<string, (run: TrainingRun) => readonly number[] | undefined>> = {
  train_batch_size: ({ parallelism: { data } }) => (data.known ? BATCHES.map((each) => each * data.value) : undefined),
  zero_hpz_partition_size: ({ gpusPerNode }) => upTo(gpusPerNode),
  mics_shard_size: ({ worldSize }) => upTo(worldSize),
  autotp_size: ({ gpusPerNode }) => upTo(gpusPerNode),
  autoep_size: ({ gpusPerNode }) => upTo(gpusPerNode),
  sequence_parallel_size: ({ worldSize }) => upTo(worldSize),
  parallelism_config_tp_size: ({ gpusPerNode }) => upTo(gpusPerNode),
  parallelism_config_cp_size: ({ worldSize }) => upTo(worldSize),
  parallelism_config_sp_size: ({ worldSize }) => upTo(worldSize),
  parallelism_config_dp_replicate_size: ({ worldSize }) => upTo(worldSize),
  parallelism_config_dp_shard_size: ({ worldSize }) => upTo(worldSize),
};

/** The powers of two that divide so many ranks, and all of them; at most this many. */
const MOST_SIZES = 6;

function upTo(known: TrainingRun['worldSize']): readonly number[] | undefined {
  const ranks = valueIfKnown(known);
  if (ranks === undefined || ranks < 1) return undefined;
  const sizes: number[] = [];
  for (let size = 1; size < ranks && ranks % size === 0; size *= 2) sizes.push(size);
  return [...sizes.slice(0, MOST_SIZES - 1), ranks];
}

/** transformers src/transformers/training_args.py OptimizerNames (5.18.0); accelerate's distributed types on NVIDIA and AMD. */
const USUAL: Readonly<Record<string, readonly string[]>> = {
  optim: [
    'adamw_torch_fused',
    'adamw_torch',
    'adamw_bnb_8bit',
    'adamw_8bit',
    'paged_adamw_8bit',
    'paged_adamw_32bit',
    'adafactor',
    'lion_32bit',
    'lion_8bit',
    'sgd',
  ],
  distributed_type: ['NO', 'MULTI_GPU', 'FSDP', 'DEEPSPEED'],
};
