import { formatCount } from '../../text/format';
import { type BlockBytes, blockBytes, isEncoderDecoder } from './blocks';
import type { Facts } from './facts';
import { familyTraits } from './families';
import { COUNTED, type Part } from './part';

export interface Activations {
  /** Kept by autograd over all blocks at the end of forward. */
  readonly saved: Part;
  /** The block whose backward needs most: recomputed under checkpointing. */
  readonly working: Part;
  /** What one block and the stream still hold when only the first is left. */
  readonly last: Part;
  readonly casts: Part | undefined;
}

/** Sums blocks over all kinds; pipeline stages hold their share of the blocks for several micro-batches in flight. */
export function countActivations(facts: Facts): Activations {
  const { model, tokens, checkpointing, pipeline, accumulation, counts } = facts;
  const inFlight = pipeline > 1 ? Math.min(accumulation, pipeline) : 1;
  let saved = 0;
  let casts = 0;
  let largest: BlockBytes = { saved: 0, checkpoint: 0, backward: 0, casts: 0 };
  for (let i = 0; i < model.blocks.length; i++) {
    const block = model.blocks[i];
    if (block === undefined || block.tower === 'vision' || block.tower === 'audio') continue;
    const bytes = blockBytes(facts, i);
    const count = block.count * counts.stageShare;
    saved += count * (checkpointing === 'full' ? bytes.checkpoint : bytes.saved);
    casts += checkpointing === 'full' ? 0 : count * bytes.casts;
    if (bytes.saved > largest.saved) largest = bytes;
  }
  const h = model.hiddenSize;
  const ends = tokens * endsPerToken(facts);
  // The pipeline keeps what a stage sent on until its gradient comes back (deepspeed/runtime/pipe/engine.py, pipe_buffers).
  const sent = pipeline > 1 ? tokens * facts.streamBytes * h : 0;
  const total = (saved + sent) * inFlight + ends;
  const isFull = checkpointing === 'full';
  const headCast = facts.castsWeights ? 2 * model.vocabSize * h : 0;
  const working = largest.backward + (isFull ? largest.saved + (facts.castsWeights ? largest.casts : 0) : 0);
  return {
    saved: {
      id: 'activations.saved',
      group: 'activations',
      bytes: total,
      label: () => (isFull ? 'block inputs kept for recomputation' : 'activations saved for backward'),
      formula: () => `${formatCount(total / Math.max(1, tokens))} B × ${formatCount(tokens)} tokens`,
      source: COUNTED,
      from: [...facts.from.batch, ...facts.from.checkpointing],
    },
    working: {
      id: 'activations.block',
      group: 'activations',
      bytes: working,
      label: () => (isFull ? 'one block recomputed, and its backward' : 'backward of one block'),
      formula: () => `${formatCount(working / Math.max(1, tokens))} B × ${formatCount(tokens)} tokens`,
      source: COUNTED,
      from: [...facts.from.batch, ...facts.from.checkpointing],
    },
    last: {
      id: 'activations.saved',
      group: 'activations',
      bytes: isFull ? largest.checkpoint : largest.saved + largest.casts,
      label: () => 'activations of the first block',
      formula: () =>
        `${formatCount((isFull ? largest.checkpoint : largest.saved) / Math.max(1, tokens))} B × ${formatCount(tokens)} tokens`,
      source: COUNTED,
      from: facts.from.batch,
    },
    casts:
      casts + headCast === 0
        ? undefined
        : {
            id: 'activations.casts',
            group: 'activations',
            bytes: casts + headCast,
            label: () => '16-bit copies of the fp32 weights (autocast)',
            formula: () => `2 B × ${formatCount((casts + headCast) / 2)} weights`,
            source: `torch autocast weight cache; ${COUNTED}`,
            from: facts.from.precision,
          },
  };
}

/**
 * T5 ends both stacks with a norm and has dropout before and after each; each first block makes a bias for every pair of positions
 * and head from a table of distances in 64 bits, and keeps both.
 */
function stackEnds(facts: Facts): number {
  const { streamBytes: stream, computeBytes: c, model, samples, tensor } = facts;
  const stacks = isEncoderDecoder(facts) ? 2 : 1;
  const norm = (stream === 2 ? 6 : 4) + 2 * stream;
  const heads = model.blocks[0]?.attention?.heads ?? 0;
  const perPair = c * (heads / tensor) + 8;
  return stacks * ((norm + 2) * model.hiddenSize + (perPair * facts.sequence) / samples) + stream * model.hiddenSize;
}

/** The last norm with its input and output, and the ids, positions and rotary tables of the batch. */
function endsPerToken(facts: Facts): number {
  const h = facts.model.hiddenSize;
  const stream = facts.streamBytes;
  const { traits } = familyTraits(facts.model.modelType);
  const tables = 32;
  if (traits.norm === 't5') return stackEnds(facts) + tables;
  if (traits.norm === 'layer') return 2 * stream * h + (traits.dropout > 0 ? h : 0) + tables;
  // Under LoRA the first norm has nothing to differentiate, unless checkpointing makes its input ask for a gradient.
  if (facts.lora !== undefined) return (facts.checkpointing === 'full' ? 4 * h : 0) + tables;
  return (4 + (traits.norm === 'gemma' ? 4 : stream) + stream) * h + tables;
}
