import { stageOf } from '../rules-support/zero';
import { isAtLeast, statedVersion } from '../schema/versions';
import { booleanOf, setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports overlapped communication on releases where it was seen to corrupt gradients. */
export const overlapCommCorrupts = rule({
  id: 'overlap-comm-corrupts',
  severity: 'information',
  applies: ['deepspeed'],
  needs: ['zero_optimization.overlap_comm'],
  why: 'From 0.12 to 0.16.4 users of stages 1 and 2 reported wrong losses and NaN with overlap_comm that went away without it: a bucket could be reduced before it was complete.',
  source: ['deepspeedai/DeepSpeed issue 5347', 'deepspeedai/DeepSpeed issue 7188'],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2, "overlap_comm": true } }',
          'shardlens.json': '{ "frameworks": { "deepspeed": "0.14.0" } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2, "overlap_comm": true } }',
          'shardlens.json': '{ "frameworks": { "deepspeed": "0.19.5" } }',
        },
      },
    ],
  },
  check({ config, run, report }) {
    const found = setting(config, 'zero_optimization.overlap_comm');
    const version = statedVersion(run, 'deepspeed');
    const stage = stageOf(run);
    if (!found?.node || booleanOf(found) !== true || (stage !== 1 && stage !== 2) || version === undefined) return;
    if (!isAtLeast(version, '0.12.0') || isAtLeast(version, '0.16.5')) return;
    report({
      at: found,
      message: `overlap_comm at stage ${stage} was reported to give wrong or diverging losses with DeepSpeed 0.12 to 0.16.4, and the project uses ${version}. A newer DeepSpeed, or overlap_comm set to false, avoids it.`,
      fixes: [{ title: 'Set overlap_comm to false', edits: replaceValue(config.file, found.node, false) }],
    });
  },
});
