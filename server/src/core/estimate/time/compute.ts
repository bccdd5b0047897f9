import { valueIfKnown } from '../../run/known';
import type { Dtype } from '../../run/training-run';
import { formatRate } from '../../text/format';
import type { Draft } from './draft';
import { bytesOf, type TimeFacts } from './facts';
import { type ForwardFlops, forwardFlops, isEager, type Passes, passesOf } from './flops';
import { type GpuConstants, gpuConstants, MEMORY_EFFICIENCY } from './gpu-constants';

const SOURCE = 'Korthikanti et al. 2022 (arXiv 2205.05198) appendix A';

/** Bytes per token and vocabulary entry that the loss head moves: fitted with the constants of gpu-constants.ts. */
const LOSS_BYTES = 30;
/** A fused linear cross-entropy never writes the logits whole (Liger-Kernel's published benchmark). */
const FUSED_LOSS_BYTES = 6;

/**
 * Extra bytes per token, hidden unit and block of Llama-like blocks in eager PyTorch, whose two RMSNorms are seven kernels
 * each in Python (two in fp32): about 36 bytes per norm forward and twice that backward. The fitted table ran fused LayerNorm.
 */
const EAGER_RMSNORM_BYTES = 200;

/** torch.compile fuses most element-wise kernels; prior, no public table separates it. */
const COMPILED_ELEMENTWISE = 0.5;

/** Bytes read and written to unpack one 4-bit or 8-bit weight to 16 bit, at the rate bitsandbytes reaches (prior). */
const DEQUANTISE_EFFICIENCY = 0.6;

/**
 * Attention over context-parallel ranks works on pieces and merges what they give. Fitted on two rows of torchtitan (4 and 8
 * ranks, 131,072 and 262,144 tokens); no other public table has it.
 */
const RING_LOSS = 1.6;

/** Bytes per token, key and head of attention that writes its scores: two copies in 16 bit, softmax in fp32, three passes (prior). */
const EAGER_SCORE_BYTES = 60;

export interface Compute {
  readonly drafts: readonly Draft[];
  /** GPU seconds of the whole optimizer step. */
  readonly seconds: number;
  readonly lastBackwardSeconds: number;
  readonly flopsPerToken: ForwardFlops;
  readonly peakFlops: number;
  readonly constants: GpuConstants;
  /** The peak of another number format had to be taken. */
  readonly substitutedPeak: Dtype | undefined;
}

/** GPU seconds of forward, backward and recompute over all micro-steps of a step; undefined when the GPU has no known peak rate. */
export function computeOf(facts: TimeFacts): Compute | undefined {
  const peak = peakOf(facts);
  if (peak === undefined) return undefined;
  const constants = gpuConstants(facts.cluster.accelerator);
  const flopsPerToken = forwardFlops(facts);
  const passes = passesOf(facts);
  const half = halfPeakOf(facts) ?? peak.flops;
  const gemm = gemmDraft(facts, { flopsPerToken, passes, peak: gemmPeak(facts, peak.flops, half), half, constants });
  const attention = attentionDraft(facts, { flopsPerToken, passes, peak: Math.min(peak.flops, half), half, constants });
  const drafts = [gemm, attention, elementwiseDraft(facts, constants)];
  const unpack = dequantiseDraft(facts, passes);
  if (unpack) drafts.push(unpack);
  const seconds = drafts.reduce((sum, draft) => sum + draft.seconds, 0);
  const backwardShare = (passes.backward + passes.recompute) / (1 + passes.backward + passes.recompute);
  return {
    drafts,
    seconds,
    lastBackwardSeconds: (seconds / facts.accumulation) * backwardShare,
    flopsPerToken,
    peakFlops: peak.flops,
    constants,
    substitutedPeak: peak.substitute,
  };
}

function peakOf({ cluster, compute }: TimeFacts): { flops: number; substitute: Dtype | undefined } | undefined {
  const peaks = cluster.accelerator.peakFlops;
  const wanted = compute === 'fp32' || compute === 'bf16' || compute === 'fp16' || compute === 'fp8' ? compute : 'bf16';
  const flops = peaks[wanted];
  if (flops !== null) return { flops, substitute: undefined };
  for (const other of ['fp16', 'bf16', 'fp32'] as const) {
    const fallback = peaks[other];
    if (fallback !== null) return { flops: fallback, substitute: other };
  }
  return undefined;
}

/**
 * Products in 8 bits take 1.5 times less time than in 16, not half: their inputs are scaled and cast first. torchtitan's 8B runs
 * without tensor parallelism go from 6,667 to 8,380 tokens/s (benchmarks/llama3_h100_202412_torchtitan.md).
 */
const FP8_GAIN = 1.5;

function gemmPeak({ compute }: TimeFacts, peak: number, half: number): number {
  return compute === 'fp8' ? Math.min(peak, FP8_GAIN * half) : peak;
}

/** Attention and the head stay in 16 bits where the linear layers of the blocks run in 8. */
function halfPeakOf({ cluster }: TimeFacts): number | null {
  const { bf16, fp16 } = cluster.accelerator.peakFlops;
  return bf16 ?? fp16;
}

interface MatrixInput {
  readonly flopsPerToken: ForwardFlops;
  readonly passes: Passes;
  readonly peak: number;
  /** The same in 16 bits. */
  readonly half: number;
  readonly constants: GpuConstants;
}

function gemmDraft(facts: TimeFacts, { flopsPerToken, passes, peak, half, constants }: MatrixInput): Draft {
  const { tokens, accumulation, tensor, pipeline, parameters, cluster } = facts;
  const ranks = tensor * pipeline;
  const blockPasses = 1 + passes.backward + passes.recompute;
  const head = (tokens * accumulation * flopsPerToken.head * (1 + passes.backward)) / ranks;
  const flops = (tokens * accumulation * flopsPerToken.blocks * blockPasses) / ranks + head + loraFlops(facts);
  const inHalf = facts.compute === 'fp8' ? head * (peak / half - 1) : 0;
  const math = (flops + inHalf) / (peak * constants.gemmEfficiency);
  // With few tokens a product waits for its weights to arrive from memory: the roofline.
  const touched = touchedWeights(facts);
  const weights =
    (accumulation * bytesOf(facts.compute) * (touched * blockPasses + parameters.head * (1 + passes.backward))) / ranks;
  const memory = weights / (cluster.accelerator.memoryBytesPerSecond * MEMORY_EFFICIENCY);
  const seconds = Math.max(math, memory);
  return {
    id: 'compute.matrices',
    label: `matrix products, ${passes.recompute ? 'forward, recompute and backward' : 'forward and backward'}`,
    seconds,
    low: seconds * 0.85,
    high: seconds * 1.35,
    formula:
      memory > math
        ? `${(weights / 1e9).toFixed(0)} GB of weights read ÷ (${formatRate(cluster.accelerator.memoryBytesPerSecond)} × ${MEMORY_EFFICIENCY})`
        : `${(flops / 1e12).toFixed(1)} TFLOP ÷ (${(peak / 1e12).toFixed(0)} TFLOP/s × ${constants.gemmEfficiency.toFixed(2)})`,
    source: `${SOURCE}; efficiency: ${constants.source}`,
    group: 'compute',
    cause: 'GPU compute',
    hides: 'never',
  };
}

/** The adapters' own three products. */
function loraFlops({ run, tokens, accumulation, parameters }: TimeFacts): number {
  return run.lora === undefined ? 0 : 6 * tokens * accumulation * parameters.trainableOnRank;
}

/** Weights of the blocks that a micro-step reads: of the experts, those that at least one token visits. */
function touchedWeights({ parameters, model, tokens }: TimeFacts): number {
  const moe = model.blocks.find((block) => block.mlp?.moe)?.mlp?.moe;
  if (moe === undefined) return parameters.blocks;
  const visited = Math.min(1, (tokens * moe.expertsPerToken) / moe.experts);
  return parameters.blocks - parameters.experts * (1 - visited);
}

function attentionDraft(facts: TimeFacts, { flopsPerToken, passes, peak, constants }: MatrixInput): Draft {
  const { tokens, accumulation, tensor, pipeline, run, cluster, model, length } = facts;
  const ranks = tensor * pipeline;
  const flops =
    (tokens * accumulation * flopsPerToken.attention * (1 + passes.attentionBackward + passes.attentionRecompute)) /
    ranks;
  const efficiency =
    valueIfKnown(run.attention) === 'flash_attention_3'
      ? constants.flashAttention3Efficiency
      : constants.attentionEfficiency;
  const heads = model.blocks.reduce((sum, { attention, count }) => sum + (attention?.heads ?? 0) * count, 0);
  const scores = isEager(run) ? (tokens * accumulation * length * heads * EAGER_SCORE_BYTES) / ranks : 0;
  const ring = facts.context > 1 ? RING_LOSS : 1;
  const seconds =
    (ring * flops) / (peak * efficiency) + scores / (cluster.accelerator.memoryBytesPerSecond * MEMORY_EFFICIENCY);
  return {
    id: 'compute.attention',
    label: `attention over ${Math.round(length)} tokens`,
    seconds,
    low: seconds * 0.7,
    high: seconds * 1.8,
    formula: `${(flops / 1e12).toFixed(2)} TFLOP ÷ (${(peak / 1e12).toFixed(0)} TFLOP/s × ${efficiency})${ring > 1 ? ` × ${ring} in a ring` : ''}${scores > 0 ? ` + ${(scores / 1e9).toFixed(0)} GB of scores` : ''}`,
    source: `${SOURCE}; efficiency is a prior for fused attention`,
    group: 'compute',
    cause: 'GPU compute',
    hides: 'never',
  };
}

function elementwiseDraft(facts: TimeFacts, constants: GpuConstants): Draft {
  const { tokens, accumulation, model, tensor, pipeline, checkpointing, run, cluster } = facts;
  const compiled = valueIfKnown(run.torchCompile) === true ? COMPILED_ELEMENTWISE : 1;
  const again = checkpointing === 'full' ? 4 / 3 : 1;
  const rmsNorm = model.blocks.some(({ mlp }) => mlp?.gated === true) ? EAGER_RMSNORM_BYTES : 0;
  const blocks = (constants.elementwiseBytes + rmsNorm) * compiled * tokens * model.hiddenSize * model.layers * again;
  const loss = (valueIfKnown(run.fusedLoss) === true ? FUSED_LOSS_BYTES : LOSS_BYTES) * tokens * model.vocabSize;
  const bytes = ((blocks + loss) * accumulation) / (tensor * pipeline);
  const rate = cluster.accelerator.memoryBytesPerSecond;
  const seconds = bytes / (rate * MEMORY_EFFICIENCY);
  return {
    id: 'compute.elementwise',
    label: 'norms, activations, residuals and loss',
    seconds,
    low: seconds * 0.6,
    high: seconds * 2,
    formula: `${(bytes / 1e9).toFixed(1)} GB ÷ (${formatRate(rate)} × ${MEMORY_EFFICIENCY})`,
    source: `bytes moved: ${constants.source}`,
    group: 'compute',
    cause: 'GPU compute',
    hides: 'never',
  };
}

function dequantiseDraft(facts: TimeFacts, passes: Passes): Draft | undefined {
  const format = facts.run.quantization && valueIfKnown(facts.run.quantization);
  if (format === undefined) return undefined;
  const { parameters, tensor, pipeline, accumulation, cluster } = facts;
  const bytesPerWeight = bytesOf(format) + 2;
  const bytes =
    (parameters.blocks * bytesPerWeight * (1 + passes.backward + passes.recompute) * accumulation) /
    (tensor * pipeline);
  const rate = cluster.accelerator.memoryBytesPerSecond;
  const seconds = bytes / (rate * DEQUANTISE_EFFICIENCY);
  return {
    id: 'compute.dequantise',
    label: `unpacking ${format} weights to 16 bit`,
    seconds,
    low: seconds * 0.6,
    high: seconds * 2,
    formula: `${(bytes / 1e9).toFixed(0)} GB ÷ (${formatRate(rate)} × ${DEQUANTISE_EFFICIENCY})`,
    source:
      'Dettmers et al. 2023 (QLoRA, arXiv 2305.14314) §3: storage type is unpacked for every product; rate is a prior',
    group: 'compute',
    cause: 'GPU compute',
    hides: 'never',
  };
}
