import { removeFix, stageOf, zeroOf } from '../rules-support/zero';
import { booleanOf, numberOf, type Setting, setting, stringOf } from '../settings';
import { type RuleContext, rule } from './rule';

/** Reports settings that another setting takes the effect from. */
export const overriddenSetting = rule({
  id: 'overridden-setting',
  severity: 'warning',
  applies: ['deepspeed'],
  why: 'DeepSpeed takes these settings, and then another one decides: the run starts, and does not do what is written here.',
  source: [
    'deepspeed/runtime/zero/stage_1_and_2.py:260 (0.19.6) contiguous_gradients under offload',
    'deepspeed/runtime/engine.py:2473 (0.19.6) prefetch with stage3_allgather_sequential',
    'deepspeed/runtime/engine.py:1857 (0.19.6) communication_data_type under sequence parallelism',
    'deepspeed/runtime/engine.py:2119 (0.19.6) fp32_optimizer_states',
    'deepspeed/runtime/zenflow/engine.py:69 (0.19.6) gradient_accumulation_steps',
    'deepspeed/comm/config.py:13 (0.19.6) prof_ops',
    'deepspeed/runtime/engine.py:1245 (0.19.6) super_offload',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2, "contiguous_gradients": false, "offload_optimizer": { "device": "cpu" } } }',
      },
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 }, "comms_logger": { "enabled": true, "prof_all": true, "prof_ops": ["all_reduce"] } }',
      },
    ],
    good: [
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2, "contiguous_gradients": true, "offload_optimizer": { "device": "cpu" } } }',
      },
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 }, "comms_logger": { "enabled": true, "prof_all": false, "prof_ops": ["all_reduce"] } }',
      },
    ],
  },
  check(context) {
    for (const { path, by, fate } of OVERRIDES) {
      const found = setting(context.config, path);
      if (!found) continue;
      const other = by(context, found);
      if (other === undefined) continue;
      context.report({
        at: found,
        message: `${path} has no effect: ${fate}.`,
        related: other === true ? [] : [{ at: other, message: `${other.path} decides.` }],
        fixes: [removeFix(found)],
        tag: 'unnecessary',
      });
    }
  },
});

interface Override {
  readonly path: string;
  readonly fate: string;
  /** The setting that decides, true where it is a default, or undefined where nothing overrides. */
  readonly by: (context: RuleContext, found: Setting) => Setting | true | undefined;
}

const ZERO = 'zero_optimization';

const OVERRIDES: readonly Override[] = [
  {
    path: `${ZERO}.contiguous_gradients`,
    fate: 'with an offloaded optimizer stages 1 and 2 always copy gradients into one buffer',
    by({ config, run }, found) {
      const stage = stageOf(run);
      const offload = zeroOf(run)?.offloadOptimizer;
      if (booleanOf(found) !== false || (stage !== 1 && stage !== 2) || !offload?.known) return undefined;
      return offload.value === 'none' ? undefined : setting(config, `${ZERO}.offload_optimizer`);
    },
  },
  {
    path: `${ZERO}.stage3_prefetch_bucket_size`,
    fate: 'stage3_allgather_sequential gathers one parameter after the other and sets the bucket to 1',
    by({ config, run }) {
      const sequential = setting(config, `${ZERO}.stage3_allgather_sequential`);
      return stageOf(run) === 3 && booleanOf(sequential) === true ? sequential : undefined;
    },
  },
  {
    path: 'communication_data_type',
    fate: 'with sequence_parallel_size above 1 the type is seq_parallel_communication_data_type, "fp32" where it is not set',
    by({ config }, found) {
      const size = setting(config, 'sequence_parallel_size');
      return (numberOf(size) ?? 1) > 1 && stringOf(found) !== undefined ? size : undefined;
    },
  },
  {
    path: 'optimizer.params.fp32_optimizer_states',
    fate: 'bf16.bf16_optimizer_states keeps the optimizer states in bf16',
    by({ config }, found) {
      const half = setting(config, 'bf16.bf16_optimizer_states');
      return booleanOf(found) === true && booleanOf(half) === true ? half : undefined;
    },
  },
  {
    path: 'gradient_accumulation_steps',
    fate: 'ZenFlow puts its update_interval in its place',
    by({ config, run }, found) {
      const stage = stageOf(run);
      const interval = setting(config, `${ZERO}.zenflow.update_interval`);
      const steps = numberOf(found);
      if ((stage !== 1 && stage !== 2) || steps === undefined || numberOf(interval) === undefined) return undefined;
      return numberOf(interval) === steps ? undefined : interval;
    },
  },
  {
    path: 'comms_logger.prof_ops',
    fate: 'prof_all, on by default, logs every operation',
    by({ config }, found) {
      const all = setting(config, 'comms_logger.prof_all');
      if (found.node?.kind !== 'sequence' || found.node.items.length === 0) return undefined;
      if (booleanOf(setting(config, 'comms_logger.enabled')) !== true) return undefined;
      return all ? (booleanOf(all) === true ? all : undefined) : true;
    },
  },
  {
    path: `${ZERO}.offload_optimizer.super_offload`,
    fate: 'only stage 3 has SuperOffload',
    by({ run }, found) {
      const stage = stageOf(run);
      return stage !== undefined && stage < 3 && booleanOf(found) === true ? true : undefined;
    },
  },
];
