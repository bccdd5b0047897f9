import { isEnabled } from '../rules-support/zero';
import { setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports configs that switch both 16-bit formats on. */
export const fp16AndBf16 = rule({
  id: 'fp16-and-bf16',
  severity: 'error',
  applies: ['deepspeed'],
  needs: ['fp16.enabled'],
  why: 'DeepSpeed trains in one 16-bit format and asserts that not both sections are enabled.',
  source: ['deepspeed/runtime/config.py:828 (0.19.6)', 'deepspeed/runtime/zero/partition_parameters.py:394 (0.19.6)'],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "fp16": { "enabled": true }, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "fp16": { "enabled": false }, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
      },
    ],
  },
  check({ config, report }) {
    const other = setting(config, 'bf16') ? 'bf16' : 'bfloat16';
    if (!isEnabled(config, 'fp16') || !isEnabled(config, other)) return;
    const fp16 = setting(config, 'fp16.enabled');
    const bf16 = setting(config, `${other}.enabled`);
    if (!fp16?.node || !bf16?.node) return;
    report({
      at: [fp16, bf16],
      message: `fp16.enabled and ${other}.enabled are both true. DeepSpeed takes one 16-bit format and stops at start-up.`,
      fixes: [
        { title: 'Set fp16.enabled to false', edits: replaceValue(config.file, fp16.node, false) },
        { title: `Set ${other}.enabled to false`, edits: replaceValue(config.file, bf16.node, false) },
      ],
    });
  },
});
