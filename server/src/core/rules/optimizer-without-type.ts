import { setting } from '../settings';
import { setPath } from '../syntax/editing';
import { rule } from './rule';

/** Reports optimizer sections that name no optimizer. */
export const optimizerWithoutType = rule({
  id: 'optimizer-without-type',
  severity: 'warning',
  applies: ['deepspeed'],
  needs: ['optimizer'],
  why: 'Without a type DeepSpeed ignores the whole section, learning rate included, and uses the optimizer that the script passes, or stops where there is none.',
  source: ['deepspeed/runtime/config.py:444 (0.19.6) get_optimizer_params'],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "optimizer": { "params": { "lr": 0.1 } }, "zero_optimization": { "stage": 2 } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "optimizer": { "type": "AdamW", "params": { "lr": 0.1 } }, "zero_optimization": { "stage": 2 } }',
      },
    ],
  },
  check({ config, report }) {
    const section = setting(config, 'optimizer');
    if (section?.node?.kind !== 'mapping' || setting(config, 'optimizer.type')) return;
    report({
      at: section,
      on: 'key',
      message:
        'optimizer has no type, so DeepSpeed ignores the section and its params; without an optimizer from the script the job stops.',
      // What the params suit; another optimizer is one word away.
      fixes: [
        { title: 'Set optimizer.type to AdamW', edits: setPath(config.file, config.root, 'optimizer.type', 'AdamW') },
      ],
    });
  },
});
