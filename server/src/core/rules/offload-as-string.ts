import { schemaProblems } from '../schema/problems';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

const DEVICES = ['cpu', 'nvme', 'none'];

/** Reports an offload section written as one word. */
export const offloadAsString = rule({
  id: 'offload-as-string',
  severity: 'error',
  applies: ['deepspeed'],
  when: 'schema-problem',
  why: "DeepSpeed reads offload_optimizer and offload_param as sections with a device; a word or a boolean fails the section's validation.",
  source: ['deepspeed/runtime/zero/config.py:164 (0.19.6)'],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 2, "offload_optimizer": "cpu" } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 2, "offload_optimizer": { "device": "cpu" } } }',
      },
    ],
  },
  check({ config, catalogs, report }) {
    for (const problem of schemaProblems(config, catalogs.schema('deepspeed'))) {
      if (problem.kind !== 'wrong-type' || problem.form !== 'scalar-for-object') continue;
      const { setting, key, value } = problem;
      if (!setting.node || (key !== 'offload_optimizer' && key !== 'offload_param')) continue;
      const word = String(value).toLowerCase();
      const device = value === false ? 'none' : value === true ? 'cpu' : DEVICES.find((known) => known === word);
      report({
        at: setting,
        message: `${setting.path} is ${JSON.stringify(value)}, and takes a section with a device; DeepSpeed stops at start-up.`,
        fixes: device
          ? [
              {
                title: `Write {"device": "${device}"}`,
                preferred: true,
                edits: replaceValue(config.file, setting.node, { device }),
              },
            ]
          : [],
      });
    }
  },
});
