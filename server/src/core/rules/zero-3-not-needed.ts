import { estimateRun } from '../estimate/index';
import { memoryIsJudged } from '../rules-support/certainty';
import { bandOfCapacity } from '../rules-support/memory-words';
import { stepWithBand } from '../rules-support/step-words';
import { known, type Origin } from '../run/known';
import type { TrainingRun } from '../run/training-run';
import { numberOf, setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** A smaller gain is not worth another way of saving checkpoints, and near what the model of the step can tell. */
const LEAST_SHARE = 0.2;
const TRIED: Origin = { kind: 'assumed', because: 'tried, to compare with' };

/** Reports stage 3 where stage 2 surely fits and sends much less. */
export const zero3NotNeeded = rule({
  id: 'zero-3-not-needed',
  severity: 'information',
  applies: ['deepspeed', 'accelerate'],
  when: 'cluster',
  why: 'Stage 3 gathers all weights twice in every micro-step. Where weights and gradients fit beside the sharded optimizer states, as with adapters on frozen weights, stage 2 or DDP sends a fraction of it.',
  source: [
    'transformers docs/source/en/deepspeed.md (5.18.0): fastest first is ZeRO-1, ZeRO-2, …, ZeRO-3',
    'hiyouga/LlamaFactory#5014: LoRA with ZeRO-3 over 10 GbE, 4 s becomes 90 s a step',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "gradient_accumulation_steps": 16, "bf16": { "enabled": true }, "optimizer": { "type": "AdamW", "params": { "lr": 1e-5 } }, "zero_optimization": { "stage": 3 } }',
          'shardlens.json':
            '{ "model": "Qwen/Qwen2.5-1.5B", "sequenceLength": 1024, "target": "box", "targets": { "box": { "hardware": "g6e.48xlarge" } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "gradient_accumulation_steps": 16, "bf16": { "enabled": true }, "optimizer": { "type": "AdamW", "params": { "lr": 1e-5 } }, "zero_optimization": { "stage": 3 } }',
          'shardlens.json':
            '{ "model": "meta-llama/Meta-Llama-3-70B", "sequenceLength": 1024, "target": "box", "targets": { "box": { "hardware": "p5.48xlarge" } } }',
        },
      },
    ],
  },
  check(context) {
    if (!memoryIsJudged(context.run)) return;
    const { config, wholeRun: run, report } = context;
    const written = setting(config, 'zero_optimization.stage') ?? setting(config, 'deepspeed_config.zero_stage');
    if (!written?.node || numberOf(written) !== 3 || !run.cluster.known || !run.model.known) return;
    const changed = atStage2(run);
    if (!changed) return;
    const { step, links } = context.estimate;
    // Where the gathers cross a slow network, that finding offers the same edit among others.
    const slow = links.some(
      ({ dimension, crossesNodes, verdict }) => dimension === 'shard' && crossesNodes && verdict === 'bad',
    );
    if (!step || slow || assumesLinks(run)) return;
    const other = estimateRun(changed);
    if (other.memory?.fits !== true || !other.step) return;
    // The gain has to show whatever the band of the step.
    if (other.step.seconds > Math.min(step.low, (1 - LEAST_SHARE) * step.seconds)) return;
    report({
      at: written,
      message: `Stage 3 gathers and releases all weights, module by module, in every micro-step: a step takes ${stepWithBand(step)}. Stage 2 takes ${stepWithBand(other.step)} and fits: ${bandOfCapacity(other.memory)} per GPU.`,
      fixes: [
        { title: `Set ${written.path.split('.').pop()} to 2`, edits: replaceValue(config.file, written.node, 2) },
      ],
    });
  },
});

function atStage2(run: TrainingRun): TrainingRun | undefined {
  if (!run.sharding.known || run.sharding.value.kind !== 'zero') return undefined;
  const zero = run.sharding.value;
  if (!zero.stage.known || zero.stage.value !== 3 || !run.parallelism.data.known) return undefined;
  if (zero.offloadParam.known && zero.offloadParam.value !== 'none') return undefined;
  const sharding = known({ ...zero, stage: known(2 as const, TRIED) }, TRIED);
  return { ...run, sharding, parallelism: { ...run.parallelism, shard: run.parallelism.data } };
}

function assumesLinks({ cluster }: TrainingRun): boolean {
  return cluster.known && (cluster.value.intra.basis === 'assumed' || cluster.value.inter.basis === 'assumed');
}
