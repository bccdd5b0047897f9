import { supportsTf32 } from '../hardware/capability';
import { booleanOf, setting } from '../settings';
import { removeEntry } from '../syntax/editing';
import { rule } from './rule';

/** Reports tf32: true where the Trainer refuses it. */
export const tf32UnsupportedByGpu = rule({
  id: 'tf32-unsupported-by-gpu',
  severity: 'error',
  applies: ['trainer'],
  needs: ['tf32'],
  why: 'TrainingArguments raises ValueError for tf32: true on a GPU before Ampere, and on every build of torch without CUDA, as on AMD.',
  source: [
    'transformers src/transformers/training_args.py:1650 (5.18.0)',
    'transformers src/transformers/utils/import_utils.py:715 (5.18.0) is_torch_tf32_available',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'train.yaml':
            'model_name_or_path: Qwen/Qwen2.5-0.5B\noutput_dir: out\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 8\nlearning_rate: 2.0e-5\nfp16: true\ntf32: true\n',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "p3.16xlarge" } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'train.yaml':
            'model_name_or_path: Qwen/Qwen2.5-0.5B\noutput_dir: out\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 8\nlearning_rate: 2.0e-5\nfp16: true\ntf32: true\n',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge" } } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    const tf32 = setting(config, 'tf32');
    if (!tf32 || booleanOf(tf32) !== true || !run.cluster.known) return;
    const { accelerator } = run.cluster.value;
    const { vendor, name, architecture } = accelerator;
    // The check asks torch.cuda alone: other vendors' plug-ins are not sure to be seen by it.
    const refused = vendor === 'AMD' || (vendor === 'NVIDIA' && supportsTf32(accelerator).supported === false);
    if (!refused) return;
    report({
      at: tf32,
      message: `tf32 is on, and ${name} (${architecture}) ${vendor === 'AMD' ? 'runs a torch without CUDA' : 'is older than Ampere'}: TrainingArguments stops with ValueError at start-up.`,
      fixes: [{ title: 'Remove tf32', preferred: true, edits: removeEntry(config.file, config.root, tf32.entry) }],
    });
  },
});
