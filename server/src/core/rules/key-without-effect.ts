import { removeFix } from '../rules-support/zero';
import { factsOf } from '../schema/keys';
import { describedSettings } from '../schema/settings';
import { rule } from './rule';

/** Reports keys that DeepSpeed reads and never uses. */
export const keyWithoutEffect = rule({
  id: 'key-without-effect',
  severity: 'hint',
  applies: ['deepspeed'],
  why: 'These keys are still read into the config and looked at by nothing: tuning them changes nothing.',
  source: [
    'deepspeed/runtime/engine.py:1431 (0.19.6) allgather_partitions',
    'deepspeed/runtime/config.py:249 (0.19.6) disable_allgather',
    'deepspeed/runtime/config.py:428 (0.19.6) pipeline',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "disable_allgather": true, "zero_optimization": { "stage": 2 } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
      },
    ],
  },
  check({ config, catalogs, report }) {
    const { schema: root } = catalogs.schema('deepspeed');
    for (const { setting, schema, key } of describedSettings(config, root)) {
      const facts = factsOf(schema);
      // Old names have a rule of their own.
      if (facts.effect !== 'none' || schema?.deprecated) continue;
      // At its default it stands in every second template, and nobody counts on it.
      if (setting.node?.kind === 'scalar' && setting.node.scalar.value === schema?.default) continue;
      report({
        at: setting,
        on: 'key',
        tag: 'unnecessary',
        message: `${key} has no effect: DeepSpeed reads it and uses it nowhere.`,
        fixes: [removeFix(setting)],
      });
    }
  },
});
