import { BELOW_STAGE_3 } from '../dialects/deepspeed/stage-keys';
import { removeFix, stageOf } from '../rules-support/zero';
import { booleanOf, isAuto, setting } from '../settings';
import { rule } from './rule';

const ON_BY_DEFAULT = new Set(['use_multi_rank_bucket_allreduce', 'ignore_unused_parameters']);

/** Reports keys that stages 1 and 2 read and stage 3 does not. */
export const keyUnusedAtStage3 = rule({
  id: 'key-unused-at-stage-3',
  severity: 'hint',
  applies: ['deepspeed'],
  needs: BELOW_STAGE_3.map((key) => `zero_optimization.${key}`),
  why: 'DeepSpeed hands these keys to the optimizer of stages 1 and 2 only. At stage 3 they have no effect, so tuning them is time lost.',
  source: ['deepspeed/runtime/engine.py:2480 (0.19.6) _configure_zero_optimizer'],
  verified: 'read',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3, "allgather_bucket_size": 5e8 } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2, "allgather_bucket_size": 5e8 } }',
      },
    ],
  },
  check({ config, run, report }) {
    // ZenFlow takes allgather_bucket_size for itself.
    if (stageOf(run) !== 3 || setting(config, 'zero_optimization.zenflow')) return;
    for (const key of BELOW_STAGE_3) {
      const found = setting(config, `zero_optimization.${key}`);
      // A key at its default does not say that anybody counts on it.
      if (!found || isAuto(found) || booleanOf(found) === ON_BY_DEFAULT.has(key)) continue;
      report({
        at: found,
        tag: 'unnecessary',
        message: `ZeRO stage 3 does not read ${key}; only stages 1 and 2 do.`,
        fixes: [{ ...removeFix(found), preferred: true }],
      });
    }
  },
});
