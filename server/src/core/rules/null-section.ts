import { removeFix } from '../rules-support/zero';
import { typesOf } from '../schema/keys';
import { schemaProblems } from '../schema/problems';
import { isAtLeast, statedVersion } from '../schema/versions';
import { setting } from '../settings';
import { removeEntry, replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** From there on the section is a model and null stands for its absence (deepspeed/runtime/precision_config.py:34). */
const BF16_MAY_BE_NULL = '0.17.1';

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
  check({ config, run, catalogs, report }) {
    const bf16 = setting(config, 'bf16');
    const version = statedVersion(run, 'deepspeed');
    const isOld = version === undefined ? undefined : !isAtLeast(version, BF16_MAY_BE_NULL);
    if (bf16?.node?.kind === 'scalar' && bf16.node.scalar.type === 'null' && !bf16.node.templated && isOld !== false) {
      report({
        at: bf16,
        severity: isOld ? 'error' : 'warning',
        message: `bf16 is null, and DeepSpeed ${version ?? `before ${BF16_MAY_BE_NULL}`} looks into it as a section; the job stops at start-up.`,
        fixes: [{ ...removeFix(bf16), preferred: true }],
      });
    }
    for (const problem of schemaProblems(config, catalogs.schema('deepspeed'))) {
      if (problem.kind !== 'wrong-type' || problem.form !== 'null') continue;
      const { setting: found, schema, owner } = problem;
      const { node } = found;
      if (!typesOf(schema).includes('object') || node?.kind !== 'scalar') continue;
      // Run for the sections of the top level; deeper ones are read by code that was not tried.
      const tried = !found.path.includes('.');
      report({
        at: found,
        severity: tried ? 'error' : 'warning',
        message: `${found.path} is null, and DeepSpeed looks into it as a section; ${tried ? 'the job stops at start-up' : 'the job may stop'}. Leave it out or write {}.`,
        fixes: [
          { title: `Remove ${found.path}`, preferred: true, edits: removeEntry(config.file, owner, found.entry) },
          ...(node.start < node.end ? [{ title: 'Write {}', edits: replaceValue(config.file, node, {}) }] : []),
        ],
      });
    }
  },
});
