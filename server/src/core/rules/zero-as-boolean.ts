import { booleanOf, setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports ZeRO switched on or off with one word. */
export const zeroAsBoolean = rule({
  id: 'zero-as-boolean',
  severity: 'warning',
  applies: ['deepspeed'],
  needs: ['zero_optimization'],
  why: 'The oldest form of the section: true stands for stage 1, whatever was meant, and DeepSpeed warns that it is deprecated. Accelerate and the Trainer look keys of the section up, which a boolean has not.',
  source: ['deepspeed/runtime/zero/config.py:60 (0.19.6) read_zero_config_deprecated'],
  verified: 'run',
  examples: {
    bad: [{ files: '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": true }' }],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 1 } }',
      },
    ],
  },
  check({ config, report }) {
    const found = setting(config, 'zero_optimization');
    const on = booleanOf(found);
    if (!found?.node || on === undefined) return;
    const stage = on ? 1 : 0;
    report({
      at: found,
      tag: 'deprecated',
      message: `zero_optimization: ${on} is a deprecated form, which means stage ${stage}.`,
      fixes: [
        {
          title: `Write { "stage": ${stage} }`,
          preferred: true,
          edits: replaceValue(config.file, found.node, { stage }),
        },
      ],
    });
  },
});
