import { strictJsonFix } from '../rules-support/strict-json';
import { rule } from './rule';

/** Reports what DeepSpeed's Hjson reader takes and `json.load` does not. */
export const hjsonOnlySyntax = rule({
  id: 'hjson-only-syntax',
  severity: 'error',
  applies: ['deepspeed', 'fsdp', 'accelerate', 'trainer', 'model'],
  when: 'text-problem',
  why: 'DeepSpeed reads its config with Hjson, which takes comments, trailing commas and bare words; the Trainer and Accelerate read the same file with json.load, which does not.',
  source: [
    'deepspeed/runtime/config.py:699 (0.19.6)',
    'accelerate src/accelerate/utils/deepspeed.py:143 (1.15.0) json.load',
    'transformers src/transformers/training_args.py:1506 (5.18.0)',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'ds.json': '{\n  // two GPUs\n  "train_batch_size": "auto",\n  "zero_optimization": { "stage": 2 }\n}',
          'train.yaml':
            'output_dir: out\ndeepspeed: ds.json\nper_device_train_batch_size: 1\nlearning_rate: 2.0e-5\nbf16: true\ngradient_accumulation_steps: 1\n',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json': '{\n  "train_batch_size": "auto",\n  "zero_optimization": { "stage": 2 }\n}',
          'train.yaml':
            'output_dir: out\ndeepspeed: ds.json\nper_device_train_batch_size: 1\nlearning_rate: 2.0e-5\nbf16: true\ngradient_accumulation_steps: 1\n',
        },
      },
    ],
  },
  check({ config, run, report }) {
    if (config.at !== '' || config.file.tree.format !== 'json') return;
    const plain = config.dialect === 'deepspeed' && run.consumer.known && run.consumer.value === 'deepspeed';
    if (plain) return;
    // A DeepSpeed file whose reader nobody names may well be read by DeepSpeed itself: then it runs.
    const strict = config.dialect !== 'deepspeed' || run.consumer.known;
    for (const problem of config.file.tree.problems) {
      if (problem.kind !== 'hjson-only') continue;
      const fix = strictJsonFix(config.file, problem);
      report({
        fixes: fix ? [fix] : [],
        at: problem,
        severity: strict ? 'error' : 'information',
        message: strict
          ? `${problem.message} ${readerOf(config.dialect, run.consumer.known ? run.consumer.value : undefined)} reads this file with json.load and stops here${config.dialect === 'deepspeed' ? '; DeepSpeed alone would read on' : ''}.`
          : `${problem.message} DeepSpeed reads on; the Trainer and Accelerate read the file with json.load and stop here.`,
      });
    }
  },
});

function readerOf(dialect: string, consumer: string | undefined): string {
  if (dialect === 'deepspeed') return consumer === 'accelerate' ? 'Accelerate' : 'The Trainer';
  return dialect === 'accelerate' ? 'Accelerate' : 'transformers';
}
