import { valueIfKnown } from '../../run/known';
import { isOlder } from '../../run/sources';
import type { Draft } from './draft';
import type { TimeFacts } from './facts';
import { type ForwardFlops, isEager, type Passes } from './flops';
import { type AttentionKernel, type GpuConstants, MEMORY_EFFICIENCY } from './gpu-constants';
import { scoreBytes, writesScores } from './megatron';
import { isUlysses } from './traffic';

/**
 * Attention over context-parallel ranks works on pieces and merges what they give. Fitted on two rows of torchtitan (4 and 8
 * ranks, 131,072 and 262,144 tokens); no other public table has it.
 */
const RING_LOSS = 1.6;

/**
 * Bytes per score and pass that attention in separate operators moves: 24 in the forward (product, scale, mask, softmax in fp32, cast)
 * and 34 in the backward, counted in transformers' eager attention (integrations and modeling_llama.py, `eager_attention_forward`).
 */
const SCORE_BYTES = 20;

/** Tensor cores take rows of 16 bytes: eight numbers of 16 bit (NVIDIA, “Matrix Multiplication Background User's Guide”, §5). */
const ALIGNED = 8;
/**
 * Share of the peak that products per head reach where a head's width is no multiple of that: 11 TFLOP/s on A100, fitted on the
 * BLOOM chronicle's runs of 96 and 128 heads (144 and 108 wide) that differ in nothing else.
 */
const UNALIGNED = 0.035;
/** How far that holds for other releases of cuBLAS on A100; of other chips nothing is known between this and no loss at all. */
const UNALIGNED_GUESS = 1.5;

export interface AttentionInput {
  readonly flopsPerToken: ForwardFlops;
  readonly passes: Passes;
  readonly peak: number;
  readonly constants: GpuConstants;
}

/** The kernel that the run's attention is computed with. */
export function attentionKernel({ run, model, sharding }: TimeFacts): AttentionKernel {
  if (sharding.kind === 'megatron') return writesScores({ sharding }) ? 'eager' : 'flash-2';
  if (model.attentionKernel !== undefined) return model.attentionKernel;
  switch (valueIfKnown(run.attention)) {
    case 'eager':
      return 'eager';
    case 'flash_attention_2':
      return 'flash-2';
    case 'flash_attention_3':
      return 'flash-3';
    default:
      // PyTorch 2.2 took FlashAttention-2 into scaled_dot_product_attention (release notes of 2.2).
      return isOlder(run.frameworks.torch, '2.2') ? 'flash-1' : 'flash-2';
  }
}

/** Scores and their product with the values, in every pass of a step. */
export function attentionDraft(facts: TimeFacts, { flopsPerToken, passes, peak, constants }: AttentionInput): Draft {
  const { tokens, accumulation, tensor, pipeline, cluster, model, length } = facts;
  const ranks = tensor * pipeline;
  const all = 1 + passes.attentionBackward + passes.attentionRecompute;
  const flops = (tokens * accumulation * flopsPerToken.attention * all) / ranks;
  const kernel = attentionKernel(facts);
  const unaligned = kernel === 'eager' && isUnaligned(facts);
  const full = constants.attention[kernel];
  const sure = cluster.accelerator.architecture === 'Ampere';
  const efficiency = unaligned ? (sure ? UNALIGNED : Math.sqrt(UNALIGNED * full)) : full;
  const heads = model.blocks.reduce((sum, { attention, count }) => sum + (attention?.heads ?? 0) * count, 0);
  const written = scoreBytes(facts) ?? SCORE_BYTES;
  const scores = isEager(facts) ? (tokens * accumulation * length * heads * written * all) / ranks : 0;
  const ring = facts.context > 1 && !isUlysses(facts) ? RING_LOSS : 1;
  const memory = scores / (cluster.accelerator.memoryBytesPerSecond * MEMORY_EFFICIENCY);
  const seconds = (ring * flops) / (peak * efficiency) + memory;
  return {
    id: 'compute.attention',
    label: `attention over ${Math.round(length)} tokens${unaligned ? ', heads not a multiple of 8 wide' : ''}`,
    seconds,
    ...(isOpen(facts)
      ? OPEN_KERNEL
      : unaligned
        ? unalignedGuess(sure ? UNALIGNED_GUESS : full / efficiency)
        : ring > 1
          ? RING_GUESS
          : {}),
    formula: `${(flops / 1e12).toFixed(2)} TFLOP ÷ (${(peak / 1e12).toFixed(0)} TFLOP/s × ${efficiency})${ring > 1 ? ` × ${ring} in a ring` : ''}${scores > 0 ? ` + ${(scores / 1e9).toFixed(0)} GB of scores` : ''}`,
    source: unaligned
      ? "NVIDIA Matrix Multiplication Background User's Guide §5; share fitted on the BLOOM chronicle"
      : `Korthikanti et al. 2022 (arXiv 2205.05198) appendix A; share of ${KERNEL_NAMES[kernel]}`,
    group: 'compute',
    cause: 'GPU compute',
    hides: 'never',
  };
}

const RING_GUESS: Pick<Draft, 'guess' | 'assumes'> = {
  guess: { low: 1 / RING_LOSS, high: RING_LOSS },
  assumes: {
    what: 'ring attention',
    value: `${RING_LOSS} times the time of attention on one rank`,
    because: 'two published rows are all there is; the band goes from no loss to twice this one',
  },
};

/** Whether Megatron's attention is a fused kernel hangs on the release of accelerate. */
function isOpen({ sharding }: TimeFacts): boolean {
  return sharding.kind === 'megatron' && !sharding.fusedAttention.known;
}

const OPEN_KERNEL: Pick<Draft, 'guess' | 'assumes'> = {
  guess: { low: 1, high: 4 },
  assumes: {
    what: 'attention of Megatron-LM',
    value: 'a fused kernel',
    because: 'the release of accelerate is not known, and before 1.13 scores were written out',
  },
};

function unalignedGuess(factor: number): Pick<Draft, 'guess' | 'assumes'> {
  return {
    guess: { low: 1 / factor, high: factor },
    assumes: {
      what: 'attention with heads not a multiple of 8 wide',
      value: `${factor.toFixed(1)} times more or less`,
      because: 'it was seen in one series of runs on A100 with CUDA 11',
    },
  };
}

const KERNEL_NAMES: Readonly<Record<AttentionKernel, string>> = {
  eager: 'batched products',
  'flash-1': 'the first FlashAttention, fitted on llm-foundry',
  'flash-2': "FlashAttention-2, of its paper's figures",
  'flash-3': "FlashAttention-3, of its paper's figures",
};

function isUnaligned({ model, compute }: TimeFacts): boolean {
  if (compute === 'fp32') return false;
  return model.blocks.some(({ attention }) => attention !== undefined && attention.headDim % ALIGNED !== 0);
}
