import { schemaProblems } from '../schema/problems';
import { readerOf, stopWords, valueVerdict } from '../schema/verdict';
import { setting as settingAt, stringOf } from '../settings';
import type { Config } from '../source';
import { replaceValue } from '../syntax/editing';
import { type RuleContext, rule } from './rule';

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
    if (config.dialect === 'accelerate') reportProcesses(config, report);
    for (const problem of schemaProblems(config, catalogs.schema(config.dialect))) {
      if (problem.kind !== 'wrong-type' || problem.form !== 'fraction' || typeof problem.value !== 'number') continue;
      const { setting, schema, parent, value } = problem;
      const verdict = valueVerdict(config.dialect, schema, parent, run);
      const reader = readerOf(config.dialect);
      // The batch equation is worked out with whatever number is there (deepspeed/runtime/config.py:942, 0.19.6).
      const computesOn = config.dialect === 'deepspeed' && BATCH_SIZES.has(setting.path);
      const whole = Math.max(Math.trunc(value), value > 0 ? 1 : Number.NEGATIVE_INFINITY);
      report({
        at: setting,
        severity: computesOn ? 'warning' : verdict.severity,
        message: `${setting.path} is ${value}, and takes a whole number; ${computesOn ? 'DeepSpeed computes on with the fraction' : stopWords(reader, verdict, 'what uses it may stop or round it')}.`,
        fixes:
          setting.node && Number.isFinite(whole)
            ? [{ title: `Write ${whole}`, edits: replaceValue(config.file, setting.node, whole) }]
            : [],
      });
    }
  },
});

const BATCH_SIZES = new Set(['train_batch_size', 'train_micro_batch_size_per_gpu', 'gradient_accumulation_steps']);

/** torchrun takes digits only: 8.0 becomes the text "8.0" (torch/distributed/run.py, determine_local_world_size). */
function reportProcesses(config: Config, report: RuleContext['report']): void {
  const found = settingAt(config, 'num_processes');
  if (found?.node?.kind !== 'scalar' || found.node.scalar.type !== 'float' || found.node.templated) return;
  const { value } = found.node.scalar;
  if (!Number.isInteger(value) || stringOf(settingAt(config, 'distributed_type')) === 'NO') return;
  report({
    at: found,
    message: `num_processes is ${found.node.raw}, and torchrun takes whole numbers in plain digits; accelerate launch stops on it.`,
    fixes: [{ title: `Write ${value}`, preferred: true, edits: replaceValue(config.file, found.node, value) }],
  });
}
