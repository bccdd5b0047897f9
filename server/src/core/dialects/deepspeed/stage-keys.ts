/** Tuning of stage 3 (deepspeed/runtime/engine.py:2515, 0.19.6): harmless leftovers below it. */
export const STAGE_3_TUNING: readonly string[] = [
  'sub_group_size',
  'stage3_max_live_parameters',
  'stage3_max_reuse_distance',
  'stage3_prefetch_bucket_size',
  'stage3_param_persistence_threshold',
  'stage3_model_persistence_threshold',
  'stage3_gather_16bit_weights_on_model_save',
  'stage3_module_granularity_threshold',
  'stage3_use_all_reduce_for_fetch_params',
  'stage3_allgather_sequential',
];

/** Of those, the one that is read at every stage where AutoTP has split the weights (accelerate src/accelerate/accelerator.py:4072, 1.15.0). */
export const GATHERS_SLICES = 'stage3_gather_16bit_weights_on_model_save';

/** Keys that DeepSpeed hands to the optimizer of stages 1 and 2 only (deepspeed/runtime/engine.py:2480, 0.19.6). */
export const BELOW_STAGE_3: readonly string[] = [
  'allgather_bucket_size',
  'round_robin_gradients',
  'use_multi_rank_bucket_allreduce',
  'ignore_unused_parameters',
  'elastic_checkpoint',
];
