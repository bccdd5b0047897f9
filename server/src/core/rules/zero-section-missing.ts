import { isReadByHuggingFace } from '../rules-support/zero';
import { isAtLeast, statedVersion } from '../schema/versions';
import { setting } from '../settings';
import { setPath } from '../syntax/editing';
import { rule } from './rule';

/** Reports DeepSpeed files without ZeRO where Accelerate reads them. */
export const zeroSectionMissing = rule({
  id: 'zero-section-missing',
  severity: 'warning',
  applies: ['deepspeed'],
  why: 'Accelerate, and the Trainer through it, raises a ValueError for a DeepSpeed config without zero_optimization; stage 0 has to be written out. The Trainer goes through Accelerate since 4.30.',
  source: [
    'accelerate src/accelerate/utils/dataclasses.py:1276 (1.15.0)',
    'transformers src/transformers/training_args.py:1329 (4.30.2) DeepSpeedPlugin; 4.29.2 has none',
  ],
  verified: 'run',
  examples: {
    bad: [{ files: '{ "train_micro_batch_size_per_gpu": "auto", "bf16": { "enabled": "auto" } }' }],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": "auto", "bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 0 } }',
      },
      { files: '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true } }' },
    ],
  },
  check({ config, run, report }) {
    if (setting(config, 'zero_optimization') || !isReadByHuggingFace(run)) return;
    const first = config.root.entries[0];
    if (!first) return;
    const version = statedVersion(run, 'transformers');
    const isCertain = version !== undefined && isAtLeast(version, '4.30.0');
    report({
      at: { start: first.keyNode.start, end: first.keyNode.end },
      severity: isCertain ? 'error' : 'warning',
      message:
        'This file has no zero_optimization section, and Accelerate, which the Trainer goes through since 4.30, stops at start-up without one. Without ZeRO, write stage 0.',
      fixes: [0, 2].map((stage) => ({
        title: `Add zero_optimization with stage ${stage}`,
        edits: setPath(config.file, config.root, 'zero_optimization', { stage }),
      })),
    });
  },
});
