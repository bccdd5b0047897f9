import type { Accelerator } from '../hardware/hardware';
import { booleanOf, type Setting, setting, stringOf } from '../settings';
import type { Config } from '../source';
import { replaceValue } from '../syntax/editing';
import { type Report, rule } from './rule';

/** Chips that have neither CUDA nor ROCm. bitsandbytes has a backend for Gaudi, and none for the others. */
const WITHOUT_CUDA = new Set(['AWS', 'Google', 'Intel']);
const WITHOUT_BITSANDBYTES = new Set(['AWS', 'Google']);

/** Reports kernels that exist for CUDA and ROCm only, on Trainium, TPUs and Gaudi. */
export const cudaOnlySetting = rule({
  id: 'cuda-only-setting',
  severity: 'warning',
  applies: ['trainer'],
  needs: ['attn_implementation', 'model_init_kwargs', 'optim', 'load_in_4bit', 'load_in_8bit'],
  when: 'cluster',
  why: 'flash-attn and bitsandbytes are built for NVIDIA’s GPUs (and partly AMD’s). Trainium and TPUs compile the model instead, and Gaudi has kernels of its own; there these settings stop the run.',
  source: [
    'transformers/modeling_flash_attention_utils.py (5.23) is_flash_attn_available: CUDA, ROCm, NPU or XPU',
    'bitsandbytes docs, installation: CUDA, ROCm, XPU, Gaudi (HPU) and CPU backends',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'train.yaml':
            'model_name_or_path: Qwen/Qwen2.5-0.5B\noutput_dir: out\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 8\nlearning_rate: 2.0e-5\nbf16: true\nattn_implementation: flash_attention_2\n',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "trn1.32xlarge" } } }',
        },
      },
      {
        files: {
          'train.yaml':
            'model_name_or_path: Qwen/Qwen2.5-0.5B\noutput_dir: out\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 8\nlearning_rate: 2.0e-5\nbf16: true\noptim: adamw_bnb_8bit\n',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "trn2.48xlarge" } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'train.yaml':
            'model_name_or_path: Qwen/Qwen2.5-0.5B\noutput_dir: out\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 8\nlearning_rate: 2.0e-5\nbf16: true\nattn_implementation: sdpa\n',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "trn1.32xlarge" } } }',
        },
      },
      {
        files: {
          'train.yaml':
            'model_name_or_path: Qwen/Qwen2.5-0.5B\noutput_dir: out\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 8\nlearning_rate: 2.0e-5\nbf16: true\noptim: adamw_bnb_8bit\n',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "dl1.24xlarge" } } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    if (!run.cluster.known) return;
    const { accelerator } = run.cluster.value;
    if (!WITHOUT_CUDA.has(accelerator.vendor)) return;
    for (const found of [
      attention(config, accelerator),
      optimizer(config, accelerator),
      ...quantised(config, accelerator),
    ])
      if (found) report(found);
  },
});

function attention(config: Config, { name }: Accelerator): Report | undefined {
  const written = ['attn_implementation', 'model_init_kwargs.attn_implementation']
    .map((key) => setting(config, key))
    .find((found): found is Setting => found !== undefined);
  const value = written && stringOf(written);
  if (!written?.node || !value?.startsWith('flash_attention_')) return undefined;
  return {
    at: written,
    message: `${written.path} is ${value}, which needs the flash-attn package, and that has no kernels for ${name}: loading the model stops.`,
    fixes: [{ title: `Set ${written.path} to sdpa`, edits: replaceValue(config.file, written.node, 'sdpa') }],
  };
}

/** Names of transformers that stand for optimizers of bitsandbytes: training_args.py OptimizerNames (5.23). */
const BITSANDBYTES = /8bit|_bnb|^paged_/;

function optimizer(config: Config, { name, vendor }: Accelerator): Report | undefined {
  const written = setting(config, 'optim');
  const value = written && stringOf(written);
  if (!written?.node || value === undefined || !BITSANDBYTES.test(value) || !WITHOUT_BITSANDBYTES.has(vendor))
    return undefined;
  return {
    at: written,
    message: `optim is ${value}, an optimizer of bitsandbytes, which has no kernels for ${name}: the run stops when it makes the optimizer.`,
    fixes: [{ title: 'Set optim to adamw_torch', edits: replaceValue(config.file, written.node, 'adamw_torch') }],
  };
}

function quantised(config: Config, { name, vendor }: Accelerator): Report[] {
  if (!WITHOUT_BITSANDBYTES.has(vendor)) return [];
  return ['load_in_4bit', 'load_in_8bit'].flatMap((key) => {
    const written = setting(config, key);
    if (!written?.node || booleanOf(written) !== true) return [];
    return {
      at: written,
      message: `${key} is on, and quantised weights are those of bitsandbytes, which has no kernels for ${name}: loading the model stops.`,
      fixes: [{ title: `Set ${key} to false`, edits: replaceValue(config.file, written.node, false) }],
    };
  });
}
