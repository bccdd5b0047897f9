/** A framework with a config language of its own, and what in a file shows that the file is for it. */
export interface Framework {
  readonly name: string;
  /** Any one of these is enough. */
  readonly signs: readonly Sign[];
}

export interface Sign {
  /** Keys at the root that all have to be there. A dotted key looks into a section. */
  readonly all: readonly string[];
  /** How many of `some` have to be there too. */
  readonly least?: number;
  readonly some?: readonly string[];
  /** Keys that must not be there. */
  readonly none?: readonly string[];
}

/**
 * Frameworks whose recipes look like ours but mean something else. The first that fits is taken, so the more particular stand first.
 * Seen in public repositories; each sign is a key that the framework itself defines.
 */
export const FRAMEWORKS: readonly Framework[] = [
  {
    name: 'LLaMA-Factory',
    signs: [
      {
        all: ['finetuning_type'],
        least: 1,
        some: ['stage', 'dataset', 'cutoff_len', 'do_train', 'dataset_dir', 'export_dir'],
      },
      { all: ['stage', 'template', 'model_name_or_path'] },
      { all: ['cutoff_len', 'template'] },
    ],
  },
  {
    name: 'axolotl',
    signs: [
      {
        all: ['base_model'],
        least: 3,
        some: words(
          'micro_batch_size sequence_len datasets num_epochs val_set_size adapter sample_packing special_tokens dataset_prepared_path',
          'saves_per_epoch evals_per_epoch train_on_inputs lora_target_linear pad_to_sequence_len flash_attention plugins load_in_4bit',
          'chat_template rl lora_model_dir wandb_project model_type tokenizer_type is_llama_derived_model',
        ),
      },
    ],
  },
  {
    name: 'ms-swift',
    signs: [
      {
        all: ['model'],
        least: 1,
        some: words('tuner_type train_type sft_type split_dataset_ratio model_author rlhf_type'),
      },
      { all: ['rlhf_type'], least: 1, some: ['train_iters', 'dataset', 'multi_turn_scheduler'] },
      { all: ['micro_batch_size', 'global_batch_size', 'lr_warmup_fraction'] },
    ],
  },
  {
    name: 'verl',
    signs: [
      { all: ['actor_rollout_ref'] },
      { all: ['algorithm', 'trainer', 'data'], least: 1, some: ['critic', 'reward_model', 'worker'] },
    ],
  },
  { name: 'EasyR1', signs: [{ all: ['worker', 'algorithm', 'data'] }] },
  {
    name: 'OpenRLHF',
    signs: [{ all: ['micro_train_batch_size'], least: 1, some: ['rollout_batch_size', 'pretrain', 'actor_num_nodes'] }],
  },
  {
    name: 'gpt-neox',
    signs: [
      {
        all: [],
        least: 2,
        some: words(
          'pipe_parallel_size pipe-parallel-size model_parallel_size model-parallel-size num-layers hidden-size num-attention-heads',
          'train_iters train-iters lr_decay_iters lr-decay-iters lr_decay_style lr-decay-style checkpoint_activations',
          'checkpoint-activations data_impl data-impl pos_emb pos-emb no_weight_tying no-weight-tying',
          'keep_last_n_checkpoints attention_config attention-config gpt_j_residual vocab_file vocab-file',
          'train_data_paths train-data-paths',
        ),
        none: ['base_model', 'model_name_or_path', 'output_dir'],
      },
    ],
  },
  {
    name: 'Megatron',
    signs: [
      {
        all: ['tensor_model_parallel_size'],
        least: 1,
        some: ['pipeline_model_parallel_size', 'global_batch_size', 'train_iters'],
      },
      { all: ['tensor-model-parallel-size'] },
    ],
  },
  {
    name: 'NeMo',
    signs: [{ all: ['exp_manager', 'model'] }, { all: ['trainer.devices', 'trainer.num_nodes', 'model'] }],
  },
  { name: 'NeMo-RL', signs: [{ all: ['policy', 'cluster'], least: 1, some: ['grpo', 'sft', 'dpo', 'checkpointing'] }] },
  {
    name: 'LitGPT',
    signs: [{ all: ['checkpoint_dir', 'train.global_batch_size'] }, { all: ['train.micro_batch_size', 'precision'] }],
  },
  {
    name: 'llm-foundry',
    signs: [{ all: ['max_seq_len', 'global_train_batch_size'] }, { all: ['device_train_microbatch_size'] }],
  },
  {
    name: 'trlx',
    signs: [{ all: ['train', 'method', 'tokenizer'], least: 1, some: ['optimizer', 'scheduler', 'model'] }],
  },
  { name: 'align-anything', signs: [{ all: ['train_cfgs', 'model_cfgs'] }] },
  { name: 'AutoTrain', signs: [{ all: ['task', 'base_model', 'project_name'] }] },
  {
    name: 'a script with its own training loop',
    signs: [
      { all: ['with_tracking'] },
      { all: ['checkpointing_steps'] },
      {
        all: [],
        least: 2,
        some: words(
          'use_slow_tokenizer max_train_steps num_warmup_steps lr_warmup_steps max_gpu_batch_size',
          'checkpoints_total_limit dataset_mix_dir tracker_project_name train_rolling_loss_step resolution',
        ),
      },
    ],
  },
];

function words(...lines: readonly string[]): string[] {
  return lines.flatMap((line) => line.split(' '));
}
