import { valueIfKnown } from '../../run/known';
import type { ZeroSharding } from '../../run/training-run';
import { buffersOf } from './buffers';
import type { Facts } from './facts';
import type { Part } from './part';

const SOURCE = 'deepspeed/runtime/zero/mics.py:254 (0.16.9), read';

/** Whether shards are spread over a group of ranks and copied between the groups. */
export function isMics(zero: ZeroSharding): boolean {
  return (valueIfKnown(zero.micsShardRanks) ?? -1) > 0;
}

/**
 * MiCS gathers each parameter into a tensor of its own (`_flat_all_gather_with_coalescing_manager`), so that there is no buffer of
 * several and no copy of it. In two hops, what one rank of each node has sent is copied aside, one parameter at a time, before it is
 * put where it belongs: the parameter's share of one rank of a node. Read, not counted: fake tensors lack its gather, and no release
 * since 0.19.7 has it.
 */
export function micsGather(facts: Facts, zero: ZeroSharding): Part[] {
  const { counts, shards, gpusPerNode, weightBytes: w } = facts;
  const spansNodes = gpusPerNode !== undefined && shards > gpusPerNode;
  if (!isMics(zero) || valueIfKnown(zero.micsHierarchicalGather) !== true || !spansNodes) return [];
  const make = buffersOf(facts, SOURCE, 'elements');
  return [make('mics', 'copy of what other nodes sent of one parameter (MiCS)', w, counts.largest / gpusPerNode)];
}
