import { conditionsOf, memoryIsJudged } from '../rules-support/certainty';
import { fixesThatFit } from '../rules-support/memory-fixes';
import { bandOfCapacity, largestParts, trainingAlone } from '../rules-support/memory-words';
import { elsewhere, placeForRun } from '../rules-support/places';
import { known } from '../run/known';
import type { TrainingRun } from '../run/training-run';
import { runDialects } from '../source';
import { rule } from './rule';

/** Reports runs whose training step, or loading, needs more memory than the GPU has, even at the low end of the band. */
export const memoryDoesNotFit = rule({
  id: 'memory-does-not-fit',
  severity: 'error',
  applies: runDialects,
  when: 'cluster',
  why: 'CUDA stops with out of memory at the first step. The finding is made only when even the low end of the band is above what the driver gives; it is a warning where the files leave open how long samples are or what the script trains.',
  source: [
    'torch/cuda/__init__.py:571 (2.15.0) OutOfMemoryError',
    'Shardlens server/src/core/estimate/memory (each term with its source)',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 4, "gradient_accumulation_steps": 1, "bf16": { "enabled": true }, "optimizer": { "type": "AdamW", "params": { "lr": 1e-5 } }, "zero_optimization": { "stage": 1 } }',
          'shardlens.json':
            '{ "model": "meta-llama/Meta-Llama-3-70B", "sequenceLength": 4096, "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge" } } }',
        },
      },
      {
        files: {
          'train.yaml':
            'model_name_or_path: meta-llama/Meta-Llama-3-8B\noutput_dir: out\nper_device_train_batch_size: 4\ngradient_accumulation_steps: 1\nlearning_rate: 2.0e-5\nbf16: true\nsave_strategy: "no"\ndeepspeed: ds.json\n',
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": "auto", "gradient_accumulation_steps": "auto", "bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 2 } }',
          'shardlens.json':
            '{ "sequenceLength": 4096, "target": "box", "targets": { "box": { "hardware": "p5.48xlarge" } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": 1, "gradient_accumulation_steps": 1, "bf16": { "enabled": true }, "optimizer": { "type": "AdamW", "params": { "lr": 1e-5 } }, "zero_optimization": { "stage": 2 } }',
          'shardlens.json':
            '{ "model": "Qwen/Qwen2.5-0.5B", "sequenceLength": 512, "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge" } } }',
        },
      },
      {
        files:
          '{ "train_micro_batch_size_per_gpu": 64, "bf16": { "enabled": true }, "zero_optimization": { "stage": 0 } }',
      },
    ],
  },
  check(context) {
    const { config, wholeRun: run, report } = context;
    if (!run.cluster.known || !run.model.known || !memoryIsJudged(run)) return;
    const sharding = run.sharding.known && run.sharding.value.kind === 'zero' ? run.sharding.value.stage : run.sharding;
    const at = placeForRun(run, config, run.batch.micro, sharding, run.model);
    if (!at) return;
    if (context.estimate.memory?.fits !== false) return;
    // Evaluating and saving have rules of their own, unless training alone is too large already.
    const memory = trainingAlone(atLeast(run));
    const peak = memory?.phases[memory.phase];
    if (!memory || !peak || memory.fits !== false) return;
    const conditions = conditionsOf(run);
    const where = conditions.length > 0 ? `, ${conditions.join(', ')}` : '';
    report({
      at,
      // An error is a promise: what the files leave open makes it a warning.
      severity: conditions.length > 0 ? 'warning' : 'error',
      message: `${memory.phase === 'load' ? 'Loading' : 'A training step'} needs ${bandOfCapacity(memory)} of ${run.cluster.value.accelerator.name}${where}: ${largestParts(peak)}. Even the low end is out of memory.`,
      related: elsewhere(config, [run.batch.micro, 'The micro-batch.'], [sharding, 'The sharding.']),
      fixes: fixesThatFit(run, context.workspace),
    });
  },
});

/** The least that the run may take: the script, which is not read, may turn recomputation on. */
function atLeast(run: TrainingRun): TrainingRun {
  if (run.checkpointing.known) return run;
  const full = known('full' as const, { kind: 'assumed', because: 'the least that it could take' });
  return { ...run, checkpointing: full };
}
