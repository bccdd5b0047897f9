import { boundsOf } from '../schema/keys';
import { schemaProblems } from '../schema/problems';
import { readerOf, stopWords, valueVerdict } from '../schema/verdict';
import { rangeWords } from '../schema/words';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports numbers outside the range of their key. */
export const outOfRange = rule({
  id: 'out-of-range',
  severity: 'error',
  applies: ['deepspeed', 'trainer', 'fsdp', 'accelerate'],
  when: 'schema-problem',
  why: 'The framework checks the range when it reads the file or when it first uses the value, and stops; where it does not check, the value silently means something else.',
  source: [
    'deepspeed/runtime/zero/config.py:113 (0.19.6) ge=0',
    'deepspeed/runtime/config.py:931 (0.19.6) _batch_assertion',
    'torch/optim/adamw.py (2.13) learning rate and betas',
    'transformers src/transformers/training_args.py:1693 (5.18.0)',
    'accelerate src/accelerate/parallelism_config.py:310 (1.15.0)',
  ],
  verified: 'run',
  examples: {
    bad: [
      { files: '{ "train_micro_batch_size_per_gpu": 0, "zero_optimization": { "stage": 2 } }' },
      {
        files: '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 2, "reduce_bucket_size": -1 } }',
      },
    ],
    good: [
      {
        files: '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 2, "reduce_bucket_size": 1 } }',
      },
    ],
  },
  check({ config, run, catalogs, report }) {
    for (const problem of schemaProblems(config, catalogs.schema(config.dialect))) {
      if (problem.kind !== 'out-of-range') continue;
      // warmup-steps-zero says what each release does with it.
      if (problem.setting.path === 'scheduler.params.warmup_num_steps') continue;
      const { setting, schema, parent, value } = problem;
      const verdict = valueVerdict(config.dialect, schema, parent, run);
      const reader = readerOf(config.dialect);
      const { minimum } = boundsOf(schema);
      report({
        at: setting,
        severity: verdict.severity,
        message: `${setting.path} is ${String(value)}, and takes a value${rangeWords(schema)}; ${stopWords(reader, verdict, `${reader} does not check it, so it silently has no effect or breaks later`)}.`,
        fixes:
          setting.node && minimum !== undefined && typeof value === 'number' && value < minimum
            ? [{ title: `Write ${minimum}`, edits: replaceValue(config.file, setting.node, minimum) }]
            : [],
      });
    }
  },
});
