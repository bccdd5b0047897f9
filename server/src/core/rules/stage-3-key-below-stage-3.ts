import { GATHERS_SLICES, STAGE_3_TUNING } from '../dialects/deepspeed/stage-keys';
import { removeFix, stageFix, stageOf } from '../rules-support/zero';
import { valueIfKnown } from '../run/known';
import { booleanOf, isAuto, numberOf, type Setting, setting } from '../settings';
import { rule } from './rule';

/** Features that somebody counts on, with the values that leave them off. */
const FEATURES: readonly { readonly key: string; readonly isOn: (found: Setting) => boolean }[] = [
  { key: 'zero_hpz_partition_size', isOn: (found) => (numberOf(found) ?? 0) > 1 },
  { key: 'zero_quantized_weights', isOn: (found) => booleanOf(found) === true },
  { key: 'zero_quantized_gradients', isOn: (found) => booleanOf(found) === true },
  { key: 'zero_quantized_nontrainable_weights', isOn: (found) => booleanOf(found) === true },
  { key: 'mics_shard_size', isOn: (found) => (numberOf(found) ?? 0) > 0 },
  { key: 'leaf_module', isOn: (found) => found.node?.kind === 'mapping' && found.node.entries.length > 0 },
];

/** Reports keys that only stage 3 reads, at a lower stage. */
export const stage3KeyBelowStage3 = rule({
  id: 'stage-3-key-below-stage-3',
  severity: 'warning',
  applies: ['deepspeed'],
  needs: [...FEATURES.map(({ key }) => key), ...STAGE_3_TUNING].map((key) => `zero_optimization.${key}`),
  why: 'DeepSpeed hands these keys to the stage 3 optimizer only. At a lower stage they are accepted and do nothing, so a feature that looks switched on is off.',
  source: ['deepspeed/runtime/engine.py:2397 (0.19.6) _configure_zero_optimizer'],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2, "zero_hpz_partition_size": 8 } }',
      },
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2, "stage3_max_live_parameters": 1e9, "sub_group_size": 1e9 } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "tensor_parallel": { "autotp_size": 2 }, "zero_optimization": { "stage": 1, "stage3_gather_16bit_weights_on_model_save": true } }',
      },
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3, "zero_hpz_partition_size": 8 } }',
      },
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2, "zero_hpz_partition_size": 1 } }',
      },
    ],
  },
  check({ config, run, report }) {
    const stage = stageOf(run);
    if (stage === undefined || stage === 3) return;
    for (const { key, isOn } of FEATURES) {
      const found = setting(config, `zero_optimization.${key}`);
      if (!found || !isOn(found)) continue;
      report({
        at: found,
        tag: 'unnecessary',
        message: `ZeRO stage ${stage} ignores ${key}; it needs stage 3. What it was meant to save is not saved.`,
        fixes: [...stageFix(config, 3), removeFix(found)],
      });
    }
    const isSplit = (valueIfKnown(run.parallelism.tensor) ?? 1) > 1;
    for (const key of STAGE_3_TUNING) {
      // AutoTP's slices are put together by it at every stage.
      if (key === GATHERS_SLICES && isSplit) continue;
      const found = setting(config, `zero_optimization.${key}`);
      if (!found || isAuto(found) || booleanOf(found) === false) continue;
      report({
        at: found,
        severity: 'hint',
        tag: 'unnecessary',
        message: `ZeRO stage ${stage} does not read ${key}; only stage 3 does.`,
        fixes: [removeFix(found)],
      });
    }
  },
});
