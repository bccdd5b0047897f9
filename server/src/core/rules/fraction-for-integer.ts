import { schemaProblems } from '../schema/problems';
import { readerOf, stopWords, valueVerdict } from '../schema/verdict';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports fractions where a whole number is needed. */
export const fractionForInteger = rule({
  id: 'fraction-for-integer',
  severity: 'error',
  applies: ['deepspeed', 'trainer', 'accelerate', 'fsdp'],
  why: "DeepSpeed's strict sections take 5e8 and 2.0 for an integer, but no fraction: sizes computed as 0.9 × hidden² by older tools stop the job.",
  source: ['deepspeed/runtime/zero/config.py:215 (0.19.6)', 'deepspeed/runtime/precision_config.py (0.19.6)'],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 3, "stage3_prefetch_bucket_size": 15099494.4 } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 3, "stage3_prefetch_bucket_size": 1.5e7 } }',
      },
    ],
  },
  check({ config, run, catalogs, report }) {
    for (const problem of schemaProblems(config, catalogs.schema(config.dialect))) {
      if (problem.kind !== 'wrong-type' || problem.form !== 'fraction' || typeof problem.value !== 'number') continue;
      const { setting, schema, parent, value } = problem;
      const verdict = valueVerdict(config.dialect, schema, parent, run);
      const reader = readerOf(config.dialect);
      const whole = Math.max(Math.trunc(value), value > 0 ? 1 : Number.NEGATIVE_INFINITY);
      report({
        at: setting,
        severity: verdict.severity,
        message: `${setting.path} is ${value}, and takes a whole number; ${stopWords(reader, verdict, 'what uses it may stop or round it')}.`,
        fixes:
          setting.node && Number.isFinite(whole)
            ? [{ title: `Write ${whole}`, edits: replaceValue(config.file, setting.node, whole) }]
            : [],
      });
    }
  },
});
