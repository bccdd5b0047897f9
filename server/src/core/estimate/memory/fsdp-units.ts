import { valueIfKnown } from '../../run/known';
import type { FsdpSharding } from '../../run/training-run';
import { formatParameters as count } from '../../text/format';
import { buffer, buffersOf, largestBlock, NO_TRANSIENTS, type Transients } from './buffers';
import type { Facts } from './facts';
import type { Part } from './part';

const SOURCE = 'torch/distributed/fsdp (2.13–2.15), counted';

/**
 * FSDP. The root unit (everything outside the blocks) stays gathered from forward to the end of backward. A block's backward holds
 * its gathered parameters twice (flat and copied out), its gradients and the reduce-scatter input.
 */
export function fsdpTransients(facts: Facts, fsdp: FsdpSharding): Transients {
  const strategy = valueIfKnown(fsdp.strategy) ?? 'FULL_SHARD';
  if (strategy === 'NO_SHARD') return NO_TRANSIENTS;
  const w = facts.mixed ? facts.computeBytes : facts.weightBytes;
  const { counts, lora, shards } = facts;
  // Where no class is wrapped, the whole model is one unit.
  const isOneUnit = valueIfKnown(fsdp.wrap) === 'NO_WRAP';
  const unit = isOneUnit ? 0 : largestBlock(facts);
  const root = isOneUnit ? counts.total : counts.outside;
  const keepsAll = strategy === 'SHARD_GRAD_OP' || strategy === 'HYBRID_SHARD_ZERO2';
  const make = buffersOf(facts, SOURCE, 'parameters');
  const gathered = keepsAll
    ? make('gathered', 'weights kept gathered after forward', w, counts.total)
    : make('root', 'gathered root unit (embedding, head)', w, root);
  const oneUnit = make('unit', 'gathered block', w, keepsAll ? 0 : unit);
  const copies = (lora === undefined ? 4 : 2) - (keepsAll ? 2 : 0);
  const units = make('units', 'gathered block, its gradients and their reduction', w, unit, copies);
  const rootGradients = lora === undefined ? root : 0;
  const end = buffer(
    facts,
    'root-gradients',
    (2 + 1 / shards) * w * rootGradients,
    'gradients of the root unit and their reduction',
    SOURCE,
    () => `(2 + 1 ÷ ${shards}) × ${w} B × ${count(rootGradients)} parameters`,
  );
  return {
    ...NO_TRANSIENTS,
    loss: [gathered, oneUnit],
    block: [gathered, units],
    end: [end],
    save: savedAtOnce(facts, fsdp, Math.max(unit, root)),
  };
}

/**
 * What is whole on the GPU while a checkpoint is written. FSDP 1 unshards one unit after the other in the width of the stored
 * weights, for a sharded state dict too (torch/distributed/fsdp/_state_dict_utils.py:278 and 504, 2.15.0); FSDP 2 gathers one
 * parameter after the other, for a full one only.
 */
function savedAtOnce(facts: Facts, fsdp: FsdpSharding, unit: number): Part[] {
  const make = buffersOf(facts, SOURCE, 'parameters');
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
