import { ownValue } from '../own-value';
/**
 * Numbers worth proposing for keys whose type is any number: powers of two for batches, and for buckets what DeepSpeed's
 * default and its own examples use (deepspeed/runtime/zero/config.py and docs/code-docs, 0.19.6).
 */
export function sensibleValues(key: string): readonly number[] {
  return ownValue(VALUES, key.slice(key.lastIndexOf('.') + 1)) ?? [];
}

const BATCHES = [1, 2, 4, 8, 16, 32];
const BUCKETS = [5e7, 1e8, 2e8, 5e8];

const VALUES: Readonly<Record<string, readonly number[]>> = {
  per_device_train_batch_size: BATCHES,
  per_device_eval_batch_size: BATCHES,
  train_micro_batch_size_per_gpu: BATCHES,
  gradient_accumulation_steps: BATCHES,
  max_length: [512, 1024, 2048, 4096, 8192],
  reduce_bucket_size: BUCKETS,
  allgather_bucket_size: BUCKETS,
  stage3_prefetch_bucket_size: [5e6, ...BUCKETS],
  stage3_max_live_parameters: [1e8, 5e8, 1e9],
  stage3_max_reuse_distance: [1e8, 5e8, 1e9],
  lora_r: [8, 16, 32, 64, 128],
};
