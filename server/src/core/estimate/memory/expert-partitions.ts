import { buffersOf } from './buffers';
import type { Facts } from './facts';
import type { Part } from './part';

/** `max_group_size` of split_params_into_different_moe_groups_for_optimizer: deepspeed/moe/utils.py:68 (0.19.8). */
const GROUP_ELEMENTS = 178_956_971;
/** Stacks that AutoEP has of each layer's experts: gate, down and up. */
const STACKS = 3;

/** What ZeRO-2 holds of gradients where experts are partitioned apart from the rest. */
export interface ExpertPartitions {
  /** Whole parameters of this rank's partitions, kept from the first of them on. */
  readonly kept: Part;
  /** Elements of the largest partition, which is stepped alone. */
  readonly group: number;
}

/**
 * Experts are optimizer groups of their own, of as many stacks as come to 179 M elements, each partitioned over the ranks that have
 * copies of them. One tensor has the whole gradients of all parameters that are in part in this rank's partitions, and is made with
 * the first of them (copy_grads_in_partition, stage_1_and_2.py:2180, 0.19.8): without experts apart, at the end of backward.
 */
export function expertPartitions(facts: Facts): ExpertPartitions | undefined {
  const { counts, shards, expert, lora, model, weightBytes: w } = facts;
  if (expert <= 1 || lora !== undefined || counts.experts === 0) return undefined;
  const copies = Math.max(1, shards / expert);
  const layers = model.blocks.reduce((sum, { count, mlp }) => sum + (mlp?.moe ? count : 0), 0) * counts.stageShare;
  const stacks = STACKS * layers;
  const stack = counts.experts / Math.max(1, stacks);
  const inGroup = Math.max(1, Math.min(stacks, Math.floor(GROUP_ELEMENTS / stack)));
  const ownStacks = (stacks / inGroup) * Math.min(inGroup, Math.ceil(inGroup / copies));
  const dense = (counts.total - counts.experts) / shards;
  const elements = ownStacks * stack + Math.max(dense, counts.embedding);
  const make = buffersOf(facts, 'deepspeed/runtime/zero/stage_1_and_2.py (0.19.8), counted', 'elements');
  return {
    kept: make('partition', 'gradients of the partitions, those of experts whole', w, elements),
    group: Math.max(dense, (inGroup * stack) / copies),
  };
}
