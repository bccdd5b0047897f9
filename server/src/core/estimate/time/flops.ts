import type { AttentionShape, Block } from '../../models/model';
import { valueIfKnown } from '../../run/known';
import type { TimeFacts } from './facts';
import { writesScores } from './megatron';

/** Operations of one token's forward, whole model. The share of a tensor, pipeline rank is this divided by their product. */
export interface ForwardFlops {
  /** Matrix products of the blocks. */
  readonly blocks: number;
  /** The matrix product that makes the logits. */
  readonly head: number;
  /** Scores and their product with the values. */
  readonly attention: number;
}

/** Passes over the matrices, in units of one forward: a flash backward computes the scores again. */
export interface Passes {
  readonly backward: number;
  readonly recompute: number;
  readonly attentionBackward: number;
  readonly attentionRecompute: number;
}

/** How often the matrices and the attention run in a step, by what is trained and what is recomputed. */
export function passesOf(facts: TimeFacts): Passes {
  const { run, checkpointing } = facts;
  return {
    // A frozen matrix passes the gradient on but gets none of its own: one product instead of two.
    backward: run.lora === undefined ? 2 : 1,
    recompute: checkpointing === 'full' ? 1 - unneededShare(facts) : 0,
    // Fused attention computes its scores again in the backward: 5 products instead of 4 (Dao 2023, FlashAttention-2 §3).
    attentionBackward: isEager(facts) ? 2 : 2.5,
    attentionRecompute: checkpointing === 'none' ? 0 : 1,
  };
}

/**
 * Share of a block's products that recomputation leaves out: nothing in backward needs what the last one gives, so torch stops
 * before it (torch/utils/checkpoint.py, `set_checkpoint_early_stop`). What routed experts give is needed for the router's gradient.
 */
function unneededShare({ run, model, parameters }: TimeFacts): number {
  const early = run.recomputeStopsEarly;
  if (early === undefined || valueIfKnown(early) !== true || parameters.activeBlocks <= 0) return 0;
  let last = 0;
  for (const { mlp, tower, count } of model.blocks) {
    if (mlp !== undefined && mlp.moe === undefined && tower === 'text') {
      last += count * mlp.intermediateSize * model.hiddenSize;
    }
  }
  return Math.min(0.5, last / parameters.activeBlocks);
}

/** Operations of one token's forward pass: two per parameter of every matrix it meets, and the attention scores. */
export function forwardFlops(facts: TimeFacts): ForwardFlops {
  const { parameters, model, length } = facts;
  const causal = isEager(facts) ? 1 : 2;
  let attention = 0;
  for (const block of model.blocks) attention += block.count * scoreFlops(block, length, causal);
  return { blocks: 2 * parameters.activeBlocks, head: 2 * parameters.head, attention };
}

function scoreFlops({ attention, tower }: Block, length: number, causal: 1 | 2): number {
  if (attention === undefined || tower === 'vision' || tower === 'audio') return 0;
  return (
    2 *
    keysSeen(attention, length, tower === 'encoder' ? 1 : causal) *
    attention.heads *
    (attention.headDim + attention.valueHeadDim)
  );
}

function keysSeen({ kind, window, headDim }: AttentionShape, length: number, causal: 1 | 2): number {
  if (kind === 'linear') return headDim;
  const seen = kind === 'cross' ? length : length / causal;
  return window === undefined ? seen : Math.min(window, seen);
}

/** Attention in separate operators, whose scores are written out. */
export function isEager({ run, sharding }: Pick<TimeFacts, 'run' | 'sharding'>): boolean {
  return writesScores({ sharding }) ?? valueIfKnown(run.attention) === 'eager';
}
