import { estimateMemory } from '../estimate/memory/index';
import { memoryIsJudged } from '../rules-support/certainty';
import { bandOfCapacity } from '../rules-support/memory-words';
import { placeForRun } from '../rules-support/places';
import { known } from '../run/known';
import type { TrainingRun } from '../run/training-run';
import { setPath } from '../syntax/editing';
import { formatCount, formatGib, formatPercent } from '../text/format';
import { type Report, rule } from './rule';

/** Share of the peak from which the logits decide what fits. */
const DOMINANT = 0.4;
/** Below this share of the GPU there is room anyway. */
const TIGHT = 0.7;
/** Families whose loss Liger fuses with the head (liger_kernel/transformers/monkey_patch.py, 0.6). */
const FUSED_FAMILIES = new Set(
  'llama mistral mixtral gemma gemma2 gemma3_text qwen2 qwen3 qwen3_moe phi3 olmo2 glm4'.split(' '),
);

/** Reports runs whose peak is mostly the logits of the vocabulary. */
export const lossHeadDominates = rule({
  id: 'loss-head-dominates',
  severity: 'information',
  applies: ['trainer'],
  when: 'cluster',
  why: 'The logits of all tokens over the whole vocabulary are held in 16 and 32 bits at the start of backward, 10 to 12 bytes for each. Neither ZeRO nor offload nor recomputation makes them smaller; a fused or chunked loss never holds them.',
  source: [
    'transformers src/transformers/loss/loss_utils.py (5.18.0) ForCausalLMLoss casts the logits to fp32',
    'huggingface/trl#3678: measured with a vocabulary of 151 k',
  ],
  verified: 'read',
  examples: {
    bad: [
      {
        files: {
          'train.yaml':
            'model_name_or_path: Qwen/Qwen2.5-1.5B\noutput_dir: out\nper_device_train_batch_size: 8\ngradient_accumulation_steps: 8\nlearning_rate: 2.0e-5\nbf16: true\ngradient_checkpointing: true\nsave_strategy: "no"\ndeepspeed: ds.json\n',
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": "auto", "gradient_accumulation_steps": "auto", "bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 2 } }',
          'shardlens.json':
            '{ "sequenceLength": 2048, "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge" } } }',
        },
      },
    ],
    good: [
      {
        files: {
          'train.yaml':
            'model_name_or_path: Qwen/Qwen2.5-1.5B\noutput_dir: out\nper_device_train_batch_size: 8\ngradient_accumulation_steps: 8\nlearning_rate: 2.0e-5\nbf16: true\ngradient_checkpointing: true\nsave_strategy: "no"\nuse_liger_kernel: true\ndeepspeed: ds.json\n',
          'ds.json':
            '{ "train_micro_batch_size_per_gpu": "auto", "gradient_accumulation_steps": "auto", "bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 2 } }',
          'shardlens.json':
            '{ "sequenceLength": 2048, "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge" } } }',
        },
      },
    ],
  },
  check(context) {
    const { config, wholeRun: run, report } = context;
    const { micro, sequenceLength } = run.batch;
    // GRPO takes the logits of completions only, and DPO those of pairs: other counts than this one.
    if (run.method.known && run.method.value !== 'sft' && run.method.value !== 'pretrain') return;
    if (!memoryIsJudged(run)) return;
    if (!run.cluster.known || !run.model.known || !run.fusedLoss.known || run.fusedLoss.value) return;
    if (!micro.known || !sequenceLength.known) return;
    const at = placeForRun(run, config, micro, run.model);
    if (!at) return;
    const { memory } = context.estimate;
    const step = memory?.phases.step;
    if (!memory || !step || memory.capacity === null || memory.phase !== 'step') return;
    const logits = step.terms.reduce((sum, { group, bytes }) => (group === 'logits' ? sum + bytes : sum), 0);
    if (logits < DOMINANT * step.bytes || memory.value < TIGHT * memory.capacity) return;
    const tokens = formatCount(micro.value * sequenceLength.value);
    report({
      at,
      message: `Logits are ${formatGib(logits)} of the ${formatGib(step.bytes)} peak (${formatPercent(logits / step.bytes)}): ${tokens} tokens × ${formatCount(run.model.value.vocabSize)} vocabulary. A fused loss does not hold them; ZeRO, offload and recomputation do not help.`,
      fixes: fixesOf(run),
    });
  },
});

function fixesOf(run: TrainingRun): NonNullable<Report['fixes']> {
  const { trainer } = run.configs;
  if (!trainer || !run.model.known || !FUSED_FAMILIES.has(run.model.value.modelType)) return [];
  const { memory } = estimateMemory({ ...run, fusedLoss: known(true, { kind: 'assumed', because: 'tried' }) });
  if (!memory || memory.fits === false) return [];
  const edits = setPath(trainer.file, trainer.root, 'use_liger_kernel', true);
  return [{ title: `Turn on use_liger_kernel, with liger-kernel installed (${bandOfCapacity(memory)})`, edits }];
}
