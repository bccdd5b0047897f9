import type { Facts } from './facts';

/** What AutoEP's layer keeps and makes otherwise than the model's own experts, in bytes of one block. */
export interface SpreadExperts {
  /** Added to what the block keeps. */
  readonly saved: number;
  /** While tokens are sent, weighted and received, beside what is kept. */
  readonly backward: number;
}

/**
 * DeepSpeed's AutoEP replaces the experts by a layer of its own. A token's copies are sent to the ranks that have its experts, put in
 * the experts' order, sent back and put in the tokens' order: each step is a tensor of K copies, of which one before the experts and
 * one after are kept, as in the model's own. Its activation is one kernel that keeps its operands alone. The copies are weighted in
 * fp32: backward makes their gradient and that of the weights, both as wide (combine_from_routed; module_inject/auto_ep_layer.py:460,
 * moe/ep_experts.py, 0.19.8).
 */
export function spreadExperts(facts: Facts, index: number): SpreadExperts | undefined {
  const { model, sharding, expert, tokens, tensor, computeBytes: w } = facts;
  const moe = model.blocks[index]?.mlp?.moe;
  if (sharding.kind !== 'zero' || expert <= 1 || moe === undefined) return undefined;
  const copies = tokens * moe.expertsPerToken;
  return {
    saved: -(w * copies * moe.expertIntermediateSize) / tensor,
    backward: (4 + 4) * copies * model.hiddenSize + (4 + w) * tokens * model.hiddenSize,
  };
}
