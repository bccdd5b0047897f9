import { supportsBf16 } from '../hardware/capability';
import { elsewhere, placeForRun } from '../rules-support/places';
import type { TrainingRun } from '../run/training-run';
import { booleanOf, setting, stringOf } from '../settings';
import { runDialects } from '../source';
import { renameKey, replaceValue } from '../syntax/editing';
import { type Report, rule } from './rule';

/** Reports bf16 on GPUs that have no bf16 arithmetic. */
export const bf16UnsupportedByGpu = rule({
  id: 'bf16-unsupported-by-gpu',
  severity: 'warning',
  applies: runDialects,
  when: 'cluster',
  why: 'GPUs before Ampere (V100, T4) have no bf16 arithmetic. Recent torch reports bf16 as supported and emulates it far below the fp16 rate; older torch makes the Trainer and DeepSpeed stop at start-up.',
  source: [
    'torch/cuda/__init__.py:191 (2.13.0) is_bf16_supported counts emulation',
    'transformers src/transformers/training_args.py:1745 (5.18.0)',
    'deepspeed/runtime/engine.py:1682 (0.19.6)',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'train.yaml':
            'model_name_or_path: Qwen/Qwen2.5-0.5B\noutput_dir: out\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 8\nlearning_rate: 2.0e-5\nbf16: true\n',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "g4dn.12xlarge" } } }',
        },
      },
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "p3.16xlarge" } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'train.yaml':
            'model_name_or_path: Qwen/Qwen2.5-0.5B\noutput_dir: out\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 8\nlearning_rate: 2.0e-5\nfp16: true\n',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "g4dn.12xlarge" } } }',
        },
      },
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "g5.48xlarge" } } }',
        },
      },
    ],
  },
  check({ config, wholeRun: run, report }) {
    const { compute } = run.precision;
    if (!run.cluster.known || !compute.known || compute.value !== 'bf16') return;
    const { accelerator } = run.cluster.value;
    if (supportsBf16(accelerator).supported !== false) return;
    const at = placeForRun(run, config, compute);
    if (!at) return;
    const because =
      compute.origin.kind === 'default' ? `bf16 is the default of ${compute.origin.of}, and` : 'bf16 is on, and';
    report({
      at,
      message: `${because} ${accelerator.name} (${accelerator.architecture}) has no bf16 arithmetic: recent torch emulates it far below the ${fp16Rate(accelerator.peakFlops.fp16)}, older torch stops at start-up.`,
      related: elsewhere(config, [compute, 'bf16 is chosen here.']),
      fixes: fixesOf(run),
    });
  },
});

function fp16Rate(flops: number | null): string {
  return flops === null ? 'fp32 rate' : `${Math.round(flops / 1e12)} TFLOPS of fp16`;
}

/** fp16 scales the loss and can overflow where bf16 does not, so the edit is offered and not preferred. */
function fixesOf({ configs }: TrainingRun): NonNullable<Report['fixes']> {
  const { trainer, accelerate, deepspeed } = configs;
  const title = 'Use fp16, with loss scaling, instead of bf16';
  if (trainer) {
    const bf16 = setting(trainer, 'bf16');
    // A DeepSpeed file with its own switch would have to change with it.
    const open = !deepspeed || stringOf(setting(deepspeed, 'bf16.enabled')) === 'auto';
    if (!bf16 || booleanOf(bf16) !== true || setting(trainer, 'fp16') || !open) return [];
    return [{ title, edits: renameKey(trainer.file, bf16.entry, 'fp16') }];
  }
  const mixed = accelerate && setting(accelerate, 'mixed_precision');
  if (!mixed?.node || stringOf(mixed) !== 'bf16' || deepspeed) return [];
  return [{ title, edits: replaceValue(mixed.config.file, mixed.node, 'fp16') }];
}
