/** Top-level keys of an Accelerate config (accelerate commands/config/config_args.py, 1.15.0, and keys that older releases wrote), for recognition only. */
export const ACCELERATE_KEYS: ReadonlySet<string> = new Set(
  `additional_args base_job_name bf16 command_file commands compute_environment debug deepspeed deepspeed_config
distributed_type downcast_bf16 dynamo_backend dynamo_config dynamo_mode ec2_instance_type enable_cpu_affinity
fp16 fp8_config fsdp_config fsdp_version gpu_ids gradient_accumulation_steps iam_role_name image_uri ipex_config
machine_rank main_process_ip main_process_port main_training_function max_restarts megatron_lm_config
mixed_precision mpirun_config num_cpu_threads_per_process num_gpus num_machines num_processes parallelism_config
profile py_version pytorch_version rdzv_backend region sagemaker_inputs_file sagemaker_metrics_file same_network
tp_config tpu_env tpu_name tpu_use_cluster tpu_use_sudo tpu_vm tpu_zone transformers_version use_cpu zero_stage`.split(
    /\s+/,
  ),
);
