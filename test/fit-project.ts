/** A run that does not fit as it is, in the files of its project; the tests of fit share it. */
export const TRAIN = `model_name_or_path: meta-llama/Meta-Llama-3-8B
output_dir: out
per_device_train_batch_size: 8
gradient_accumulation_steps: 2
learning_rate: 2.0e-5
bf16: true
deepspeed: ds.json
`;

export const DS = `{
  "train_micro_batch_size_per_gpu": "auto",
  "gradient_accumulation_steps": "auto",
  "bf16": { "enabled": "auto" },
  "zero_optimization": { "stage": 2 }
}
`;
