import { typesOf } from '../schema/keys';
import { schemaProblems } from '../schema/problems';
import { readerOf, valueVerdict } from '../schema/verdict';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports numbers in quotes where the framework needs a number. */
export const numericString = rule({
  id: 'numeric-string',
  severity: 'warning',
  applies: ['deepspeed', 'trainer', 'accelerate'],
  when: 'schema-problem',
  why: 'A number in quotes is text. DeepSpeed\'s strict sections read plain digits and refuse "5e8"; its batch sizes and the Trainer compare it with a number and stop.',
  source: [
    'deepspeed/runtime/zero/config.py:113 (0.19.6)',
    'deepspeed/runtime/config.py:942 (0.19.6)',
    'transformers src/transformers/training_args.py:1703 (5.18.0)',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 2, "reduce_bucket_size": "5e8" } }',
      },
      { files: '{ "train_micro_batch_size_per_gpu": "4", "zero_optimization": { "stage": 2 } }' },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 2, "reduce_bucket_size": 5e8 } }',
      },
    ],
  },
  check({ config, run, catalogs, report }) {
    for (const problem of schemaProblems(config, catalogs.schema(config.dialect))) {
      if (problem.kind !== 'wrong-type' || typeof problem.value !== 'string') continue;
      if (problem.form !== 'numeric-string' && problem.form !== 'scientific-string') continue;
      const { setting, schema, parent, value, coerced } = problem;
      const { node } = setting;
      // `1e-4` without quotes is text to PyYAML: yaml-number-is-text says so.
      if (node?.kind !== 'scalar' || (node.style === 'plain' && config.file.tree.format === 'yaml')) continue;
      const verdict = valueVerdict(config.dialect, schema, parent, run);
      const kind = typesOf(schema).includes('number') ? 'number' : 'integer';
      const reader = readerOf(config.dialect);
      // TrlParser converts text, HfArgumentParser does not: which one reads the file is not known here.
      const certain = config.dialect === 'deepspeed' && verdict.severity === 'error';
      report({
        at: setting,
        severity: coerced ? 'hint' : certain ? 'error' : 'warning',
        message: coerced
          ? `${setting.path} is the text "${value}"; ${reader} turns it into ${articleOf(kind)}, but a number needs no quotes.`
          : `${setting.path} is the text "${value}", and ${reader} needs ${articleOf(kind)}; ${certain ? 'the job stops at start-up' : 'what compares it with a number stops'}.`,
        fixes: [
          {
            title: `Write ${Number(value)} without quotes`,
            preferred: true,
            edits: replaceValue(config.file, node, Number(value)),
          },
        ],
      });
    }
  },
});

function articleOf(kind: 'number' | 'integer'): string {
  return kind === 'integer' ? 'an integer' : 'a number';
}
