import { valueIfKnown } from '../../run/known';
import type { MegatronSharding } from '../../run/training-run';
import { formatCount, formatParameters } from '../../text/format';
import type { BlockBytes } from './blocks';
import { buffersOf, NO_TRANSIENTS, type Transients } from './buffers';
import type { Facts } from './facts';
import type { HeadFactors } from './loss-head';
import { optimizerStateBytes } from './optimizer-state';
import type { Part } from './part';
import { masterPart, optimizerPart, type States } from './states';
import { weightParts } from './weights';

/** The source of what was counted of Megatron-core's own code. */
export const MEGATRON = 'counted with megatron-core 0.16.1 by test/oracle/record_megatron.py';

/** Megatron as the formulas need it. */
export interface MegatronFacts {
  readonly kind: 'megatron';
  readonly distributes: boolean;
  readonly offloads: boolean;
  readonly splitsSequence: boolean;
  readonly dropsOut: boolean;
  readonly rotary: boolean;
}

/** What cannot be read is taken as the plugin's default. */
export function megatronFacts(sharding: MegatronSharding): MegatronFacts {
  return {
    kind: 'megatron',
    distributes: valueIfKnown(sharding.distributedOptimizer) ?? false,
    offloads: valueIfKnown(sharding.offloadOptimizer) ?? false,
    splitsSequence: valueIfKnown(sharding.sequenceParallel) ?? false,
    dropsOut: (valueIfKnown(sharding.dropout) ?? 0) > 0,
    rotary: valueIfKnown(sharding.rotary) ?? true,
  };
}

/**
 * Weights, one buffer of gradients from start to end (fp32 with bf16, else the weights' type), and the fp32 weights and moments,
 * spread over the data-parallel ranks where the distributed optimizer is used: 6 + 12 ÷ ranks bytes a parameter in bf16.
 * megatron/core/distributed/param_and_grad_buffer.py and optimizer/distrib_optimizer.py (core 0.16.1).
 */
export function megatronStates(facts: Facts, megatron: MegatronFacts): States {
  const { distributes, offloads } = megatron;
  const { trainable, weightBytes, isBf16 } = facts;
  const shards = distributes ? facts.spread.trained : 1;
  const width = isBf16 ? 4 : weightBytes;
  const buffer: Part = {
    id: 'gradients.kept',
    group: 'gradients',
    bytes: width * trainable,
    label: () => `buffer of all gradients, ${width === 4 ? 'fp32' : '16-bit'}`,
    formula: () => `${width} B × ${formatParameters(trainable)} parameters`,
    source: `megatron/core/distributed/param_and_grad_buffer.py; ${MEGATRON}`,
    from: facts.from.sharding,
  };
  const weights = weightParts(facts, 1);
  const onGpu = offloads ? 0 : 1;
  const master = weightBytes === 2 ? masterPart(facts, shards, onGpu) : undefined;
  const moments = optimizerPart(facts, shards, 4, onGpu);
  const here = [...weights, master, moments].flatMap((part) => (part !== undefined && part.bytes > 0 ? [part] : []));
  return {
    resident: here,
    weights,
    gradients: undefined,
    standing: [buffer, ...shared(facts, megatron)],
    gradientBytes: weightBytes,
    offloaded: {
      weights: 0,
      master: offloads && master ? (4 * trainable) / shards : 0,
      optimizer: offloads ? optimizerStateBytes(facts, 4) / shards : 0,
      gradients: 0,
    },
  };
}

/** One buffer for all layers: megatron/core/utils.py, GlobalMemoryBuffer. Split sequences are gathered there, scores of attention made. */
function shared(facts: Facts, { splitsSequence }: MegatronFacts): Part[] {
  const make = buffersOf(facts, MEGATRON, 'elements');
  const w = facts.computeBytes;
  const scores = facts.attention === 'eager' ? (headsOf(facts, 0).n * facts.tokens * facts.sequence) / facts.tensor : 0;
  return [
    make(
      'gathered',
      'sequence gathered from the tensor ranks',
      w,
      splitsSequence ? facts.tokens * facts.model.hiddenSize : 0,
    ),
    make('scores', 'scores of one attention', w, scores),
  ].filter(({ bytes }) => bytes > 0);
}

/** fp16 gradients are copied to fp32 for the step; bf16 ones are fp32 already, and averaged where they are. */
export function megatronTransients(facts: Facts, { distributes, offloads }: MegatronFacts): Transients {
  if (facts.isBf16 || facts.weightBytes === 4 || offloads) return NO_TRANSIENTS;
  const elements = facts.trainable / (distributes ? facts.spread.trained : 1);
  const make = buffersOf(facts, MEGATRON, 'elements');
  return { ...NO_TRANSIENTS, step: [make('fp32-gradients', 'fp32 gradients of what is stepped', 4, elements)] };
}

/**
 * What a block of Megatron-core keeps: estimation §3.3, with what was counted beside it. Inputs and outputs of both norms are
 * split over tensor ranks by sequence parallelism alone. Queries, keys and values are one tensor, which stays for the values when
 * rotary positions make new queries and keys.
 */
export function megatronBlock(facts: Facts, megatron: MegatronFacts, index: number): BlockBytes {
  const { model, tokens, sequence, tensor, computeBytes: w } = facts;
  const h = model.hiddenSize;
  const split = megatron.splitsSequence ? tensor : 1;
  const stream = (4 * w * h + 16 + (megatron.dropsOut ? 2 * h : 0)) / split;
  const { n, k, d } = headsOf(facts, index);
  const fused = w * (n + 2 * k) * d + (megatron.rotary ? w * (n + k) * d : 0) + w * n * d;
  // Without a fused kernel the softmax of every pair is kept, in fp32 and in 16 bits; with dropout its result and mask too.
  const pair = (w === 2 ? 6 : 4) + (megatron.dropsOut ? w + 1 : 0);
  const core = keepsPairs(facts) ? pair * n * sequence : 4 * n;
  const { kept, widest } = mlpBytes(facts, index);
  const saved = tokens * (stream + (fused + core + kept) / tensor);
  return {
    saved,
    checkpoint: (tokens * w * h) / split,
    backward: tokens * (2 * w * h + widest / tensor) + largestProduct(facts),
    casts: 0,
  };
}

/** Selective recomputation makes the core of attention anew, which a fused kernel never keeps. */
function keepsPairs({ attention, checkpointing }: Facts): boolean {
  return attention === 'eager' && checkpointing !== 'selective';
}

function headsOf({ model }: Facts, index: number): { readonly n: number; readonly k: number; readonly d: number } {
  const shape = model.blocks[index]?.attention;
  return { n: shape?.heads ?? 0, k: shape?.kvHeads ?? 0, d: shape?.headDim ?? 0 };
}

/** What the MLP keeps, and the widest gradients of its backward, in bytes a token over all tensor ranks. */
function mlpBytes(
  { model, computeBytes: w }: Facts,
  index: number,
): { readonly kept: number; readonly widest: number } {
  const mlp = model.blocks[index]?.mlp;
  const first = mlp?.gated === true ? 2 : 1;
  const of = (width: number) => ({ kept: w * (first + 1) * width, widest: w * (first + 1) * width });
  if (mlp?.moe === undefined) return of(mlp?.intermediateSize ?? 0);
  const { experts, expertsPerToken: top, expertIntermediateSize: x, sharedIntermediateSize: s } = mlp.moe;
  const routed = of(top * x + s);
  // The router in fp32, and a token's copies on their way in and out.
  const copies = 2 * w * top * model.hiddenSize;
  return { kept: 8 * experts + copies + routed.kept, widest: copies + routed.widest };
}

/** The gradient of one weight, made before it is added to the buffer. */
function largestProduct({ model, computeBytes, tensor }: Facts): number {
  let largest = 0;
  for (const group of model.groups) {
    if (group.block === undefined || group.module === 'expert-stack') continue;
    largest = Math.max(
      largest,
      group.shape.reduce((product, side) => product * side, 1),
    );
  }
  return (computeBytes * largest) / tensor;
}

/** The last norm's output, and the ids of tokens and labels. */
export function megatronEnds({ model, tokens, computeBytes: w, tensor }: Facts, megatron: MegatronFacts): number {
  const split = megatron.splitsSequence ? tensor : 1;
  return tokens * ((2 * w * model.hiddenSize + 8) / split + 24);
}

/**
 * The loss of each rank's part of the vocabulary: 16-bit logits and their fp32 copy, in which softmax and gradient are made in
 * place (megatron/core/tensor_parallel/cross_entropy.py, 0.16.1). Estimation §3.4 has 10, with a softmax of its own.
 */
export function megatronHead({ computeBytes: w }: Facts): HeadFactors {
  const both = w === 2 ? 6 : 4;
  return { forward: both, backward: both, weightGradient: w };
}

/** The gradient of the embedding's weight; a tied one has the head's, its own and their sum at once. */
export function megatronEmbedding(facts: Facts): Part {
  const { model, tensor, computeBytes: w } = facts;
  const elements = (model.vocabSize * model.hiddenSize) / tensor;
  const copies = model.tiedEmbeddings ? 3 : 1;
  return {
    id: 'gradients.embedding',
    group: 'gradients',
    bytes: copies * w * elements,
    label: () => (copies === 3 ? 'gradients of the tied embedding and their sum' : 'gradient of the embedding'),
    formula: () => `${copies} × ${w} B × ${formatCount(elements)} elements`,
    source: MEGATRON,
    from: facts.from.model,
  };
}
