import { estimateMemory } from '../estimate/memory/index';
import { memoryIsJudged } from '../rules-support/certainty';
import { bandGib, bandOfCapacity, trainingAlone, undecidedClause } from '../rules-support/memory-words';
import { placeForRun } from '../rules-support/places';
import { known } from '../run/known';
import type { TrainingRun } from '../run/training-run';
import { setPath } from '../syntax/editing';
import { formatGib } from '../text/format';
import { rule } from './rule';

/** Reports runs that train, but whose evaluation does not fit. */
export const evalDecidesMemory = rule({
  id: 'eval-decides-memory',
  severity: 'warning',
  applies: ['trainer'],
  when: 'cluster',
  why: 'Evaluation takes per_device_eval_batch_size (8 unless set) and holds the logits of a whole batch, which neither ZeRO nor recomputation makes smaller. The run then stops at the first evaluation, hours after it started.',
  source: [
    'transformers src/transformers/training_args.py:1110 (5.18.0) per_device_eval_batch_size 8',
    'huggingface/transformers#7232: evaluation runs out of memory where training does not',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'train.yaml':
            'model_name_or_path: meta-llama/Meta-Llama-3-8B\noutput_dir: out\nper_device_train_batch_size: 1\ngradient_accumulation_steps: 8\nlearning_rate: 2.0e-5\nbf16: true\ngradient_checkpointing: true\neval_strategy: epoch\ndeepspeed: ds.json\n',
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": "auto", "gradient_accumulation_steps": "auto", "bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 3 } }',
          'shardlens.json':
            '{ "sequenceLength": 4096, "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge" } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'train.yaml':
            'model_name_or_path: meta-llama/Meta-Llama-3-8B\noutput_dir: out\nper_device_train_batch_size: 1\nper_device_eval_batch_size: 1\ngradient_accumulation_steps: 8\nlearning_rate: 2.0e-5\nbf16: true\ngradient_checkpointing: true\neval_strategy: epoch\ndeepspeed: ds.json\n',
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": "auto", "gradient_accumulation_steps": "auto", "bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 3 } }',
          'shardlens.json':
            '{ "sequenceLength": 4096, "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge" } } }',
        },
      },
    ],
  },
  check(context) {
    const { config, wholeRun: run, report } = context;
    const { evalMicro, sequenceLength } = run.batch;
    if (!memoryIsJudged(run)) return;
    if (!run.cluster.known || !run.model.known || !evalMicro.known || !sequenceLength.known) return;
    if (!run.evaluation.known || !run.evaluation.value || evalMicro.value < 2) return;
    const at = placeForRun(run, config, evalMicro, run.evaluation, run.batch.micro);
    if (!at) return;
    const { memory } = context.estimate;
    if (!memory || memory.capacity === null || memory.fits !== false || memory.phase !== 'eval') return;
    // The step's own finding says it where training does not fit either.
    const training = trainingAlone(run);
    if (!training || training.fits === false) return;
    const logits = memory.phases.eval?.terms.find(({ group }) => group === 'logits');
    report({
      at,
      message: `Evaluation with ${evalMicro.value} samples of ${sequenceLength.value} tokens needs ${bandOfCapacity(memory)}, of which ${formatGib(logits?.bytes ?? 0)} are logits; training needs ${bandGib(training)}${undecidedClause(training)}. The run stops at its first evaluation.`,
      fixes: fixesOf(run),
    });
  },
});

function fixesOf(run: TrainingRun) {
  const { trainer } = run.configs;
  const { evalMicro } = run.batch;
  if (!trainer || !evalMicro.known) return [];
  const own =
    evalMicro.origin.kind === 'default' ||
    (evalMicro.origin.kind === 'file' && evalMicro.origin.path === trainer.file.path);
  if (!own) return [];
  const one = known(1, { kind: 'assumed', because: 'tried, to see whether it fits' });
  const { memory } = estimateMemory({ ...run, batch: { ...run.batch, evalMicro: one } });
  // The fix mends the evaluation; a training step that is close to the limit keeps its own finding.
  if (!memory || memory.fits === false) return [];
  return [
    {
      title: `Set per_device_eval_batch_size to 1 (${bandOfCapacity(memory)})`,
      edits: setPath(trainer.file, trainer.root, 'per_device_eval_batch_size', 1),
    },
  ];
}
