import { removeFix } from '../rules-support/zero';
import { isAtLeast, statedVersion } from '../schema/versions';
import { booleanOf, isTemplated, setting } from '../settings';
import { rule } from './rule';

/** Reports DataStates checkpoints, which any value but false switches on. */
export const datastatesEnabled = rule({
  id: 'datastates-enabled',
  severity: 'warning',
  applies: ['deepspeed'],
  needs: ['datastates_ckpt'],
  why: 'The section has no switch: null and {} turn asynchronous checkpoints by DataStates on, and DeepSpeed stops where that package is not installed.',
  source: ['deepspeed/datastates/config.py:20 (0.19.6)'],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "datastates_ckpt": {}, "zero_optimization": { "stage": 1 } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "datastates_ckpt": false, "zero_optimization": { "stage": 1 } }',
      },
    ],
  },
  check({ config, run, report }) {
    const found = setting(config, 'datastates_ckpt');
    const version = statedVersion(run, 'deepspeed');
    if (!found || isTemplated(found) || booleanOf(found) === false || (version && !isAtLeast(version, '0.18.2')))
      return;
    // With its own keys in it, somebody means it.
    if (found.node?.kind === 'mapping' && found.node.entries.length > 0) return;
    report({
      at: found,
      message:
        'datastates_ckpt is here, so DataStates writes the checkpoints, whatever its value; DeepSpeed stops where that package is not installed.',
      fixes: [removeFix(found)],
    });
  },
});
