import type { Counts } from './counts';

/** Ranks that one rank's weights and what is trained of them are spread over, on average. */
export interface Spread {
  readonly weights: number;
  readonly trained: number;
}

/**
 * Expert-parallel ranks are data-parallel ranks, so that the experts of one are copied on fewer others, and their shards are as many
 * times larger: with 8 ranks and experts over 4, dense weights have 8 shards and experts 2. deepspeed/runtime/zero/stage_1_and_2.py,
 * `_configure_moe_settings` (0.19.8); megatron/core/optimizer/__init__.py, `intra_expt_dp_group` (0.16.1).
 */
export function spreadOver(shards: number, expert: number, counts: Counts, isAdapted: boolean): Spread {
  if (expert <= 1 || shards <= 1 || counts.total === 0) return { weights: shards, trained: shards };
  const share = counts.experts / counts.total;
  const weights = Math.max(1, shards / (1 - share + share * expert));
  // Adapters are on the dense weights.
  return { weights, trained: isAdapted ? shards : weights };
}

/** `8 ranks`, or how many it comes to where experts have fewer. */
export function rankWords(ranks: number): string {
  return Number.isInteger(ranks) ? `${ranks} ranks` : `${Math.round(ranks * 100) / 100} ranks (experts have fewer)`;
}
