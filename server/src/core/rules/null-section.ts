import { typesOf } from '../schema/keys';
import { schemaProblems } from '../schema/problems';
import { removeEntry, replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports sections set to null. */
export const nullSection = rule({
  id: 'null-section',
  severity: 'error',
  applies: ['deepspeed'],
  why: 'Most sections are looked into without asking whether they are there: null ends the job with an AttributeError or TypeError that names neither the section nor the file.',
  source: ['deepspeed/runtime/zero/config.py:71 (0.19.6)', 'deepspeed/runtime/precision_config.py:95 (0.19.6)'],
  verified: 'run',
  examples: {
    bad: [{ files: '{ "train_micro_batch_size_per_gpu": 1, "fp16": null, "zero_optimization": { "stage": 2 } }' }],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "fp16": {}, "zero_optimization": { "stage": 2, "offload_optimizer": null } }',
      },
    ],
  },
  check({ config, catalogs, report }) {
    for (const problem of schemaProblems(config, catalogs.schema('deepspeed'))) {
      if (problem.kind !== 'wrong-type' || problem.form !== 'null') continue;
      const { setting, schema, owner } = problem;
      const { node } = setting;
      if (!typesOf(schema).includes('object') || node?.kind !== 'scalar') continue;
      // Run for the sections of the top level; deeper ones are read by code that was not tried.
      const tried = !setting.path.includes('.');
      report({
        at: setting,
        severity: tried ? 'error' : 'warning',
        message: `${setting.path} is null, and DeepSpeed looks into it as a section; ${tried ? 'the job stops at start-up' : 'the job may stop'}. Leave it out or write {}.`,
        fixes: [
          { title: `Remove ${setting.path}`, preferred: true, edits: removeEntry(config.file, owner, setting.entry) },
          ...(node.start < node.end ? [{ title: 'Write {}', edits: replaceValue(config.file, node, {}) }] : []),
        ],
      });
    }
  },
});
