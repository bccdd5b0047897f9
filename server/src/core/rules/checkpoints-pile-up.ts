import { readArguments, type TrainerArguments } from '../dialects/trainer/read';
import { placeForRun } from '../rules-support/places';
import { DEFAULT_SAVE_STEPS, numberIn, saveStrategy } from '../rules-support/saves';
import { setting } from '../settings';
import { setPath } from '../syntax/editing';
import { formatGib } from '../text/format';
import { rule } from './rule';

const TIB = 2 ** 40;
/** Below this most disks have room. */
const LEAST_BYTES = TIB;
/** As many as are needed to go back one when the last is broken. */
const KEPT = 2;

/** Reports runs that keep every checkpoint, where that comes to more than a terabyte. */
export const checkpointsPileUp = rule({
  id: 'checkpoints-pile-up',
  severity: 'information',
  applies: ['trainer'],
  why: 'A checkpoint that can be resumed from holds the weights and the optimizer, 14 to 16 bytes a parameter in mixed precision, and unless save_total_limit is set every one is kept. A full disk stops the run while it saves, and the last checkpoint is then broken.',
  source: [
    'transformers src/transformers/training_args.py:1183 (5.18.0) save_total_limit: None keeps all',
    'Shardlens server/src/core/estimate/checkpoint.ts',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'train.yaml':
            'model_name_or_path: meta-llama/Meta-Llama-3-8B\noutput_dir: out\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 8\nlearning_rate: 2.0e-5\nmax_steps: 10000\nsave_steps: 500\nbf16: true\ndeepspeed: ds.json\n',
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": "auto", "gradient_accumulation_steps": "auto", "bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 3 } }',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "p5.48xlarge" } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'train.yaml':
            'model_name_or_path: meta-llama/Meta-Llama-3-8B\noutput_dir: out\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 8\nlearning_rate: 2.0e-5\nmax_steps: 10000\nsave_steps: 500\nsave_total_limit: 2\nbf16: true\ndeepspeed: ds.json\n',
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": "auto", "gradient_accumulation_steps": "auto", "bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 3 } }',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "p5.48xlarge" } } }',
        },
      },
      {
        files: {
          'train.yaml':
            'model_name_or_path: meta-llama/Meta-Llama-3-8B\noutput_dir: out\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 8\nlearning_rate: 2.0e-5\nmax_steps: 10000\nsave_steps: 500\nbf16: true\ndeepspeed: ds.json\n',
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": "auto", "gradient_accumulation_steps": "auto", "bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 3 } }',
          'run.sh': 'accelerate launch train.py --config train.yaml --save_total_limit 2\n',
          'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "p5.48xlarge" } } }',
        },
      },
    ],
  },
  check(context) {
    const { config, run, report } = context;
    if (!run.saves.known || !run.saves.value || !run.model.known) return;
    // A flag of the launch line may say what the file leaves out.
    const args = readArguments(config, run.launches?.[0]);
    if (isKept(args, 'save_total_limit') || isKept(args, 'save_only_model')) return;
    const count = savesOf(args);
    if (count === undefined || !Number.isSafeInteger(count) || count <= KEPT) return;
    const each = context.estimate.checkpoint?.bytes ?? 0;
    if (count * each < LEAST_BYTES) return;
    const written = setting(config, 'save_steps') ?? setting(config, 'save_strategy') ?? setting(config, 'max_steps');
    const at = written ?? placeForRun(run, config, run.saves);
    if (!at) return;
    report({
      at,
      message: `Each checkpoint takes about ${formatGib(each)}, and the run keeps all ${count} of them: ${(count * each) / TIB >= 10 ? Math.round((count * each) / TIB) : ((count * each) / TIB).toFixed(1)} TiB. A full disk stops it while it saves; save_total_limit keeps the last ones only.`,
      fixes: [
        {
          title: `Set save_total_limit to ${KEPT} (about ${formatGib(KEPT * each)})`,
          edits: setPath(config.file, config.root, 'save_total_limit', KEPT),
        },
      ],
    });
  },
});

/** A key that is written and not null or false. */
function isKept(args: TrainerArguments, key: string): boolean {
  const written = args.get(key);
  return written !== undefined && written.plain !== null && written.plain !== false;
}

/** How often the run saves; undefined where that hangs on the length of the data. */
function savesOf(args: TrainerArguments): number | undefined {
  const steps = numberIn(args, 'max_steps', -1);
  const strategy = saveStrategy(args);
  if (steps === undefined) return undefined;
  if (strategy === 'epoch') {
    const epochs = numberIn(args, 'num_train_epochs', DEFAULT_EPOCHS);
    return steps > 0 || epochs === undefined ? undefined : Math.ceil(epochs);
  }
  const every = numberIn(args, 'save_steps', DEFAULT_SAVE_STEPS);
  if (strategy !== 'steps' || every === undefined) return undefined;
  if (every >= 1) return steps > 0 ? Math.ceil(steps / every) : undefined;
  // A share of all steps needs no count of them (transformers training_args.py:1165, 5.18.0).
  return every > 0 && 1 / every <= MOST_SHARES ? Math.ceil(1 / every) : undefined;
}

/** More than this is a slip of the keyboard: the run may not have as many steps. */
const MOST_SHARES = 1000;

/** transformers src/transformers/training_args.py:776 (5.18.0). */
const DEFAULT_EPOCHS = 3;
