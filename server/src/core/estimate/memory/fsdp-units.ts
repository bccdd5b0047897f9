import { valueIfKnown } from '../../run/known';
import type { FsdpSharding } from '../../run/training-run';
import { formatParameters as count } from '../../text/format';
import { buffer, buffersOf, largestBlock, NO_TRANSIENTS, type Transients } from './buffers';
import type { Facts } from './facts';
import type { Part } from './part';

export const FSDP_SOURCE = 'torch/distributed/fsdp (2.13–2.15), counted';

/** What FSDP gathers: a block at a time, and what is outside the blocks. */
export interface Gathers {
  /** Bytes of a gathered element. */
  readonly width: number;
  /** Parameters of the largest block; none where the whole model is one unit. */
  readonly block: number;
  /** Weights stay gathered from forward to their block's backward. */
  readonly keepsAll: boolean;
  /** Gathered from forward on: the root unit, and with it all blocks where they are kept. */
  readonly root: Part;
  /** What is left of it when the first blocks are reached. */
  readonly rest: Part;
  readonly rootElements: number;
}

/** Reads what is gathered. The root unit (everything outside the blocks) stays gathered from forward to the end of backward. */
export function gathersOf(facts: Facts, fsdp: FsdpSharding): Gathers {
  const { counts } = facts;
  const width = facts.mixed ? facts.computeBytes : facts.weightBytes;
  // Where no class is wrapped, the whole model is one unit.
  const isOneUnit = valueIfKnown(fsdp.wrap) === 'NO_WRAP';
  const block = isOneUnit ? 0 : largestBlock(facts);
  const rootElements = isOneUnit ? counts.total : counts.outside;
  const strategy = valueIfKnown(fsdp.strategy);
  const keepsAll = strategy === 'SHARD_GRAD_OP' || strategy === 'HYBRID_SHARD_ZERO2';
  const make = buffersOf(facts, FSDP_SOURCE, 'parameters');
  const alone = make('root', 'gathered root unit (embedding, head)', width, rootElements);
  const kept = (elements: number): Part => make('gathered', 'weights kept gathered after forward', width, elements);
  return {
    width,
    block,
    keepsAll,
    rootElements,
    root: keepsAll ? kept(counts.total) : alone,
    rest: keepsAll ? kept(Math.min(counts.total, rootElements + 2 * block)) : alone,
  };
}

/** What FSDP holds at the loss, at the end of backward and while it saves; backward itself is in fsdp-backward.ts. */
export function fsdpTransients(facts: Facts, fsdp: FsdpSharding): Transients {
  if (valueIfKnown(fsdp.strategy) === 'NO_SHARD') return NO_TRANSIENTS;
  const { lora, shards } = facts;
  const { width: w, block, keepsAll, root, rootElements } = gathersOf(facts, fsdp);
  const make = buffersOf(facts, FSDP_SOURCE, 'parameters');
  const version = valueIfKnown(fsdp.version);
  const rootGradients = lora === undefined ? rootElements : 0;
  const end = buffer(
    facts,
    'root-gradients',
    (2 + 1 / shards) * w * rootGradients,
    'gradients of the root unit and their reduction',
    FSDP_SOURCE,
    () => `(2 + 1 ÷ ${shards}) × ${w} B × ${count(rootGradients)} parameters`,
  );
  return {
    ...NO_TRANSIENTS,
    loss: [root, make('unit', 'gathered block', w, keepsAll ? 0 : block)],
    // What the last unit was copied out of is given up at the next gather: _fsdp_param_group.py:80 (2.15.0).
    forward:
      (keepsAll || block === 0) && version !== 1
        ? [make('unit', 'buffer of the last gather', w, block || rootElements)]
        : [],
    end: [end],
    save: savedAtOnce(facts, fsdp, Math.max(block, rootElements)),
  };
}

/**
 * What is whole on the GPU while a checkpoint is written. FSDP 1 unshards one unit after the other in the width of the stored
 * weights, for a sharded state dict too (torch/distributed/fsdp/_state_dict_utils.py:278 and 504, 2.15.0); FSDP 2 gathers one
 * parameter after the other, for a full one only.
 */
function savedAtOnce(facts: Facts, fsdp: FsdpSharding, unit: number): Part[] {
  const make = buffersOf(facts, FSDP_SOURCE, 'parameters');
  const stateDict = valueIfKnown(fsdp.stateDict);
  if (valueIfKnown(fsdp.version) === 2) {
    const largest = facts.counts.largest;
    return stateDict === 'FULL_STATE_DICT'
      ? [make('saved', 'largest parameter, gathered to be saved', facts.weightBytes, largest)]
      : [];
  }
  if (stateDict === 'LOCAL_STATE_DICT') return [];
  return [make('saved', 'largest unit, gathered to be saved', facts.weightBytes, unit)];
}
