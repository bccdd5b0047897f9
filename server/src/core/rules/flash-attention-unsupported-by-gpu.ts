import { computeCapability, supportsFlashAttention } from '../hardware/capability';
import { type Setting, setting, stringOf } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

const KEYS = ['attn_implementation', 'model_init_kwargs.attn_implementation', 'attn_impl'];
/** What transformers asks for before it loads the kernels of version 3. */
const LEAST_CAPABILITY = 8;

/** Reports FlashAttention kernels that do not exist for the GPU. */
export const flashAttentionUnsupportedByGpu = rule({
  id: 'flash-attention-unsupported-by-gpu',
  severity: 'error',
  applies: ['trainer'],
  when: 'cluster',
  why: 'The kernels of FlashAttention-2 are built for Ampere and newer, those of version 3 for Hopper. On an older GPU the first forward pass stops.',
  source: [
    'Dao-AILab/flash-attention csrc/flash_attn/flash_api.cpp mha_fwd: FlashAttention only supports Ampere GPUs or newer',
    'transformers src/transformers/modeling_flash_attention_utils.py:120 (5.18.0)',
    'Dao-AILab/flash-attention README.md FlashAttention-3: H100 / H800',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'train.yaml':
            'model_name_or_path: Qwen/Qwen2.5-0.5B\nattn_implementation: flash_attention_2\noutput_dir: out\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 8\nlearning_rate: 2.0e-5\nfp16: true\n',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "g4dn.12xlarge" } } }',
        },
      },
      {
        files: {
          'train.yaml':
            'model_name_or_path: Qwen/Qwen2.5-0.5B\nattn_implementation: flash_attention_3\noutput_dir: out\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 8\nlearning_rate: 2.0e-5\nbf16: true\n',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge" } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'train.yaml':
            'model_name_or_path: Qwen/Qwen2.5-0.5B\nattn_implementation: flash_attention_2\noutput_dir: out\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 8\nlearning_rate: 2.0e-5\nbf16: true\n',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge" } } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    const written = KEYS.map((key) => setting(config, key)).find((found): found is Setting => found !== undefined);
    const version = versionOf(written && stringOf(written));
    if (!written?.node || version === undefined || !run.cluster.known) return;
    const { accelerator } = run.cluster.value;
    if (accelerator.vendor !== 'NVIDIA' || supportsFlashAttention(accelerator, version).supported !== false) return;
    const capability = computeCapability(accelerator);
    const refused = capability !== undefined && capability < LEAST_CAPABILITY;
    const needs = version === 2 ? 'Ampere (8.0) or newer' : 'Hopper (9.0)';
    const instead = version === 3 && !refused ? 'flash_attention_2' : 'sdpa';
    report({
      at: written,
      severity: refused ? 'error' : 'warning',
      message: `${written.path} is flash_attention_${version}, whose kernels need ${needs}, and ${accelerator.name} is ${accelerator.architecture} (${accelerator.computeCapability}). ${refused ? 'The run stops before its first step.' : 'They were not built or tuned for it, and may stop at the first step.'}`,
      fixes: [{ title: `Set ${written.path} to ${instead}`, edits: replaceValue(config.file, written.node, instead) }],
    });
  },
});

function versionOf(name: string | undefined): 2 | 3 | undefined {
  return name === 'flash_attention_2' ? 2 : name === 'flash_attention_3' ? 3 : undefined;
}
