import { schemaProblems } from '../schema/problems';
import { readerOf, valueVerdict } from '../schema/verdict';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports "true" and "false" in quotes. */
export const booleanString = rule({
  id: 'boolean-string',
  severity: 'warning',
  applies: ['deepspeed', 'trainer', 'accelerate'],
  when: 'schema-problem',
  why: 'Outside its strict sections DeepSpeed only asks whether a value is empty, and the text "false" is not empty: it switches the setting on. The same holds for TrainingArguments read from a file.',
  source: ['deepspeed/runtime/config.py:473 (0.19.6)', 'deepspeed/runtime/config.py:855 (0.19.6)'],
  verified: 'run',
  examples: {
    bad: [{ files: '{ "train_micro_batch_size_per_gpu": 1, "prescale_gradients": "false" }' }],
    good: [{ files: '{ "train_micro_batch_size_per_gpu": 1, "prescale_gradients": false }' }],
  },
  check({ config, run, catalogs, report }) {
    for (const problem of schemaProblems(config, catalogs.schema(config.dialect))) {
      if (problem.kind !== 'wrong-type' || problem.form !== 'boolean-string') continue;
      const { setting, schema, parent, coerced, value } = problem;
      const { node } = setting;
      if (!node) continue;
      const meant = /^(?:t|true|y|yes|on|1)$/i.test(String(value));
      const verdict = valueVerdict(config.dialect, schema, parent, run);
      const reader = readerOf(config.dialect);
      const stops = !coerced && verdict.severity === 'error';
      const fate = stops
        ? `${reader} stops on a text here`
        : meant
          ? `${reader} takes any text for true`
          : `${reader} takes any text for true, so this switches it on`;
      report({
        at: setting,
        severity: coerced || (meant && !stops) ? 'hint' : stops ? 'error' : 'warning',
        message: coerced
          ? `${setting.path} is the text "${String(value)}"; ${reader} reads it as ${String(meant)}, but a boolean needs no quotes.`
          : `${setting.path} is the text "${String(value)}", not a boolean; ${fate}.`,
        fixes: [
          {
            title: `Write ${String(meant)} without quotes`,
            preferred: true,
            edits: replaceValue(config.file, node, meant),
          },
        ],
      });
    }
  },
});
