import type { Block } from '../../models/model';
import { formatCount, formatParameters } from '../../text/format';
import { type BlockBytes, blockBytes } from './blocks';
import type { Facts } from './facts';
import type { Part } from './part';
import { recomputedShare } from './recompute';
import { RECORDED } from './recorded';

const SOURCE = 'torch aten _grouped_mm, both gradients of one node; counted by test/oracle/record_sharding.py';

/** A block with experts at the moment when backward has just made the last of their gradients. */
export interface ExpertMoment {
  /** Elements of the experts' weights on this rank, and of the largest stack of them. */
  readonly elements: number;
  readonly largest: number;
  /** What is there of the block's activations, beside what is kept of it anyway. */
  readonly activations: Part;
  /** Bytes of what is kept of the block that are gone by then. */
  readonly gone: number;
  /** What the first such block and those below it still keep. */
  readonly kept: Part;
  /** Share of all parameters of the blocks whose gradients are made when backward comes to the first such block. */
  readonly madeShare: number;
  /** Parameters of the block below it; 0 where it is the first. */
  readonly next: number;
}

/**
 * Backward makes the gradient of all experts' down projections at once and then that of gate and up, beside which the result of the
 * first product and what the activation made of it are gone: two gradients as large as the stacks, where a dense block's are small
 * beside its activations. Undefined without trained experts.
 */
export function expertMoment(facts: Facts): ExpertMoment | undefined {
  const { model, lora, sharding, tokens, tensor, computeBytes: w } = facts;
  if (lora !== undefined || sharding.kind === 'megatron' || !model.blocks.some(({ mlp }) => mlp?.moe)) return undefined;
  const stacks = largestStacks(facts);
  const block = model.blocks[stacks.index];
  if (stacks.elements === 0 || block?.mlp?.moe === undefined) return undefined;
  const bytes = blockBytes(facts, stacks.index);
  const isRecomputed = recomputedShare(facts, 1) > 0;
  const width = (tokens * block.mlp.moe.expertsPerToken * block.mlp.moe.expertIntermediateSize) / tensor;
  const gone = w * width * (block.mlp.gated ? 2 : 1);
  const held = isRecomputed ? bytes.saved + (facts.castsWeights ? bytes.casts : 0) : 0;
  const below = blocksBelow(facts, block);
  const keptOf = (of: BlockBytes): number => (isRecomputed ? of.checkpoint : of.saved + of.casts);
  let parameters = facts.counts.perBlock[stacks.index] ?? 0;
  let kept = keptOf(bytes);
  for (const { index, count } of below) {
    parameters += count * (facts.counts.perBlock[index] ?? 0);
    kept += count * keptOf(blockBytes(facts, index));
  }
  const inBlocks = facts.counts.total - facts.counts.outside;
  const part = (id: string, bytes: number, label: string): Part => ({
    id,
    group: 'activations',
    bytes,
    label: () => label,
    formula: () => `${formatCount(bytes / Math.max(1, tokens))} B × ${formatCount(tokens)} tokens`,
    source: RECORDED,
    from: [...facts.from.batch, ...facts.from.checkpointing],
  });
  // What is gone by then is taken off what is kept, where nothing is recomputed.
  const beside = held - gone + w * tokens * model.hiddenSize;
  const words = isRecomputed
    ? 'one block recomputed, and its backward at the experts'
    : 'backward of one block, at its experts';
  return {
    elements: stacks.elements,
    largest: stacks.largest,
    activations: part('activations.block', Math.max(0, beside), words),
    gone: Math.max(0, -beside),
    kept: part('activations.saved', kept + Math.min(0, beside), 'activations of the blocks that are left'),
    madeShare: Math.max(0, 1 - parameters / Math.max(1, inBlocks)),
    next: facts.counts.perBlock[below[0]?.index ?? -1] ?? 0,
  };
}

/** The gradients of one block's experts as a part. */
export function expertGradients({ from }: Facts, width: number, elements: number): Part {
  return {
    id: 'gradients.experts',
    group: 'gradients',
    bytes: width * elements,
    label: () => "gradients of one block's experts, just made",
    formula: () => `${width} B × ${formatParameters(elements)} elements`,
    source: SOURCE,
    from: from.model,
  };
}

/** Blocks of other kinds below the first of this kind: one of each, and of the lowest kind as many as are left. */
function blocksBelow(
  { model }: Facts,
  { first = 0, tower }: Block,
): { readonly index: number; readonly count: number }[] {
  const below: { index: number; count: number }[] = [];
  for (const [index, block] of model.blocks.entries()) {
    if (block.tower === tower && (block.first ?? 0) < first) below.push({ index, count: 1 });
  }
  const [lowest] = below;
  if (lowest !== undefined) lowest.count += first - below.length;
  return below;
}

interface Stacks {
  readonly index: number;
  readonly elements: number;
  readonly largest: number;
}

/** The kind of block with most weights in its experts. */
function largestStacks({ model, tensor, expert }: Facts): Stacks {
  const sums = new Map<number, { elements: number; largest: number }>();
  for (const { block, kind, shape, count } of model.groups) {
    if (block === undefined || kind !== 'expert') continue;
    const sum = sums.get(block) ?? { elements: 0, largest: 0 };
    const one = shape.reduce((product, side) => product * side, 1) / (tensor * expert);
    sum.elements += (one * count) / Math.max(1, model.blocks[block]?.count ?? 1);
    sum.largest = Math.max(sum.largest, one);
    sums.set(block, sum);
  }
  let most: Stacks = { index: -1, elements: 0, largest: 0 };
  for (const [index, sum] of sums) if (sum.elements > most.elements) most = { index, ...sum };
  return most;
}
