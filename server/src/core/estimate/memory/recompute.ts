import type { BlockBytes } from './blocks';
import type { Facts } from './facts';

/** TRL keeps the last five tensors on the GPU while they are copied: trl/models/activation_offloading.py (1.16.0), max_fwd_stash_size. */
const STASHED = 5;

/** Selective recomputation by operators, and not of every n-th block. */
export function choosesOperators({ checkpointing, recomputedEvery }: Facts): boolean {
  return checkpointing === 'selective' && recomputedEvery === undefined;
}

/** Share of the blocks that are recomputed; the first of every n (transformers src/transformers/modeling_utils.py:3237, 5.23.0). */
export function recomputedShare({ checkpointing, recomputedEvery }: Facts, blocks: number): number {
  if (checkpointing === 'full') return 1;
  if (checkpointing === 'none' || recomputedEvery === undefined) return 0;
  return Math.ceil(blocks / recomputedEvery) / Math.max(1, blocks);
}

/** Of what autograd keeps, what is on the GPU at once where the rest waits on the host. */
export function keptOnGpu({ savedOnHost, checkpointing }: Facts, largest: BlockBytes, all: number): number {
  if (savedOnHost === 'nothing') return all;
  // One input is on its way out or back.
  if (checkpointing === 'full') return (savedOnHost === 'everything' ? STASHED : 2) * largest.checkpoint;
  return savedOnHost === 'everything' ? largest.saved : all;
}
