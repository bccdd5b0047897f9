import { setFix, stageOf, zeroOf } from '../rules-support/zero';
import { scalarOf, setting, stringOf } from '../settings';
import { rule } from './rule';

const TRAIN = (optim: string) =>
  `output_dir: out\ndeepspeed: ds.json\nlearning_rate: 2.0e-5\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 2\nlogging_steps: 10\nbf16: true\noptim: ${optim}\n`;
const OFFLOAD =
  '{ "train_micro_batch_size_per_gpu": "auto", "gradient_accumulation_steps": "auto", "bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 2, "offload_optimizer": { "device": "cpu" } } }';

/** Reports a chosen optimizer that Accelerate puts DeepSpeed's CPU Adam in the place of. */
export const optimReplacedByOffload = rule({
  id: 'optim-replaced-by-offload',
  severity: 'warning',
  applies: ['trainer', 'deepspeed'],
  when: 'joined',
  why: "With offload_optimizer and no optimizer section, Accelerate replaces the Trainer's optimizer with DeepSpeedCPUAdam (or its Adagrad and Lion twins) without a word: 8-bit, paged, Adafactor, SGD and others are not what trains. For anything but torch's AdamW its decoupled weight decay goes too.",
  source: [
    'accelerate src/accelerate/accelerator.py:2366 (1.15.0)',
    'accelerate src/accelerate/utils/deepspeed.py:29 (1.15.0) map_pytorch_optim_to_deepspeed',
  ],
  verified: 'read',
  examples: {
    bad: [{ files: { 'train.yaml': TRAIN('adamw_8bit'), 'ds.json': OFFLOAD } }],
    good: [{ files: { 'train.yaml': TRAIN('adamw_torch'), 'ds.json': OFFLOAD } }],
  },
  check({ run, report }) {
    const { trainer, deepspeed } = run.configs;
    const optim = trainer && setting(trainer, 'optim');
    const name = stringOf(optim)?.toLowerCase();
    const device = zeroOf(run)?.offloadOptimizer;
    if (!optim || name === undefined || !stageOf(run) || !device?.known || device.value === 'none') return;
    // Those whose own CPU twin takes over train as written.
    if (/^adamw_(torch|hf|apex_fused|anyprecision)|adagrad|lion/.test(name)) return;
    if (deepspeed && setting(deepspeed, 'optimizer')) return;
    const force = deepspeed && setting(deepspeed, 'zero_force_ds_cpu_optimizer');
    if (force && scalarOf(force)?.value !== true) return;
    const offload = deepspeed && setting(deepspeed, 'zero_optimization.offload_optimizer');
    report({
      at: offload ? [optim, offload] : optim,
      message: `optim ${name} is lost: with the optimizer offloaded, Accelerate puts DeepSpeed's 32-bit CPU Adam in its place without a word. Take adamw_torch, or keep yours with zero_force_ds_cpu_optimizer set to false in the DeepSpeed file.`,
      fixes: deepspeed ? [setFix(deepspeed, 'zero_force_ds_cpu_optimizer', false)] : [],
    });
  },
});
