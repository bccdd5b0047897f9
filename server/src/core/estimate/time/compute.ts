import { valueIfKnown } from '../../run/known';
import type { Dtype } from '../../run/training-run';
import { formatPercent, formatRate } from '../../text/format';
import { attentionDraft } from './attention';
import type { Draft } from './draft';
import { elementwiseDraft } from './elementwise';
import { bytesOf, type TimeFacts } from './facts';
import { type ForwardFlops, forwardFlops, type Passes, passesOf } from './flops';
import { type GpuConstants, gpuConstants, MEMORY_EFFICIENCY } from './gpu-constants';
import { extraForwardDraft } from './preference';
import { type ProductShares, productShares } from './products';

const SOURCE = 'Korthikanti et al. 2022 (arXiv 2205.05198) appendix A';

/**
 * Share of the peak that products in fp32 reach: they run on the ordinary units, which are easier to keep busy than tensor cores and
 * take small tiles. Fitted on BERT-large in fp32 (transformers perf_train_gpu_one, V100).
 */
const SINGLE_EFFICIENCY = 0.75;
const WHOLE: ProductShares = { forward: 1, backward: 1, head: 1 };

/** Bytes read and written to unpack one 4-bit or 8-bit weight to 16 bit, at the rate bitsandbytes reaches (prior). */
const DEQUANTISE_EFFICIENCY = 0.6;

export interface Compute {
  readonly drafts: readonly Draft[];
  /** GPU seconds of the whole optimizer step. */
  readonly seconds: number;
  readonly lastBackwardSeconds: number;
  /** Work of the head, in blocks: what a pipeline's last stage has more than the others. */
  readonly headInBlocks: number;
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
  const single = facts.compute === 'fp32';
  const matrices = {
    flopsPerToken,
    passes,
    peak: gemmPeak(facts, peak.flops, half),
    half,
    constants: single ? { ...constants, gemmEfficiency: SINGLE_EFFICIENCY } : constants,
    shares: single ? WHOLE : productShares(facts),
  };
  const drafts: Draft[] = [
    gemmDraft(facts, matrices),
    attentionDraft(facts, { flopsPerToken, passes, peak: Math.min(peak.flops, half), constants }),
    elementwiseDraft(facts),
  ];
  const unpack = dequantiseDraft(facts, passes);
  if (unpack) drafts.push(unpack);
  const trained = drafts.reduce((sum, draft) => sum + draft.seconds, 0);
  const extra = extraForwardDraft(facts, passes, drafts);
  if (extra) drafts.push(extra);
  const seconds = trained + (extra?.seconds ?? 0);
  const backwardShare = (passes.backward + passes.recompute) / (1 + passes.backward + passes.recompute);
  return {
    drafts,
    seconds,
    lastBackwardSeconds: (trained / facts.accumulation) * backwardShare,
    headInBlocks: headInBlocks(facts, flopsPerToken, passes),
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
  // What a chip has no bf16 units for is computed in fp32 and rounded; fp16 and bf16 are alike where it is fp16 that lacks.
  const others = wanted === 'bf16' ? (['fp32', 'fp16'] as const) : (['fp16', 'bf16', 'fp32'] as const);
  for (const other of others) {
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
const FP8_GUESS: Pick<Draft, 'guess' | 'assumes'> = {
  guess: { low: FP8_GAIN / 2, high: FP8_GAIN },
  assumes: {
    what: 'fp8 products',
    value: `${FP8_GAIN} times faster than 16-bit ones`,
    because: 'two published rows of one stack; the band goes from no gain to twice as fast',
  },
};

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
  readonly shares: ProductShares;
}

function gemmDraft(facts: TimeFacts, { flopsPerToken, passes, peak, half, constants, shares }: MatrixInput): Draft {
  const { tokens, accumulation, tensor, pipeline, parameters, cluster } = facts;
  const ranks = tensor * pipeline;
  const blockPasses = 1 + passes.backward + passes.recompute;
  const head = (tokens * accumulation * flopsPerToken.head * (1 + passes.backward)) / ranks;
  const once = (tokens * accumulation * flopsPerToken.blocks) / ranks;
  const flops = once * blockPasses + head + loraFlops(facts);
  // As many operations as would take the same time in products that divide evenly.
  const inBlocks = once * ((1 + passes.recompute) / shares.forward + passes.backward / shares.backward);
  const whole = inBlocks + (head / shares.head) * (facts.compute === 'fp8' ? peak / half : 1) + loraFlops(facts);
  const math = whole / (peak * constants.gemmEfficiency);
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
    ...(facts.compute === 'fp8' && FP8_GUESS),
    formula:
      memory > math
        ? `${(weights / 1e9).toFixed(0)} GB of weights read ÷ (${formatRate(cluster.accelerator.memoryBytesPerSecond)} × ${MEMORY_EFFICIENCY})`
        : `${(flops / 1e12).toFixed(1)} TFLOP ÷ (${(peak / 1e12).toFixed(0)} TFLOP/s × ${constants.gemmEfficiency.toFixed(2)} × ${(flops / whole).toFixed(2)} in whole tiles and waves)`,
    source: `${SOURCE}; efficiency: ${constants.source}; tiles and waves: NVIDIA Matrix Multiplication Background User's Guide §4`,
    group: 'compute',
    cause: 'GPU compute',
    hides: 'never',
  };
}

/** The last stage of a pipeline does the head beside its blocks, and recomputes blocks only. */
function headInBlocks({ model }: TimeFacts, { blocks, head, attention }: ForwardFlops, passes: Passes): number {
  const block = (blocks + attention) / Math.max(1, model.layers);
  return block > 0 ? (head * (1 + passes.backward)) / (block * (1 + passes.backward + passes.recompute)) : 0;
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
    guess: { low: 0.5, high: 2 },
    assumes: {
      what: `unpacking ${format} weights`,
      value: `${formatPercent(DEQUANTISE_EFFICIENCY)} of the memory's rate`,
      because: 'no published table separates it: half of the time to twice as much',
    },
    formula: `${(bytes / 1e9).toFixed(0)} GB ÷ (${formatRate(rate)} × ${DEQUANTISE_EFFICIENCY})`,
    source:
      'Dettmers et al. 2023 (QLoRA, arXiv 2305.14314) §3: storage type is unpacked for every product; rate is a prior',
    group: 'compute',
    cause: 'GPU compute',
    hides: 'never',
  };
}
