import { valueIfKnown } from '../../run/known';
import type { TimeFacts } from './facts';
import { forwardsWithoutGradients } from './preference';

/** How often the weights of a sharded run are gathered in one micro-step. */
export interface Gathers {
  readonly blocks: number;
  /** Embedding, head and the rest outside the blocks. */
  readonly outside: number;
  /** Why blocks are gathered a third time; undefined when they are not. */
  readonly third: string | undefined;
}

const NONE: Gathers = { blocks: 0, outside: 0, third: undefined };

/** How often sharded weights are gathered: for training, and once more for each forward without gradients. */
export function gathersPerMicroStep(facts: TimeFacts): Gathers {
  const own = gathersToTrain(facts);
  const more = own === NONE ? 0 : forwardsWithoutGradients(facts.run);
  return more === 0 ? own : { ...own, blocks: own.blocks + more, outside: own.outside + more };
}

/**
 * Two gathers, forward and backward. Under full checkpointing a block is computed again right before its backward; FSDP keeps
 * it gathered in between, ZeRO-3 only what `max_live_parameters` and `max_reuse_distance` let it keep
 * (deepspeed runtime/zero/partitioned_param_coordinator.py:658).
 */
function gathersToTrain(facts: TimeFacts): Gathers {
  const { sharding, shard, checkpointing, parameters } = facts;
  if (sharding.kind === 'zero') {
    // One rank holds everything, but offloaded parameters still travel to the GPU for every use.
    const travels = shard > 1 || (valueIfKnown(sharding.offloadParam) ?? 'none') !== 'none';
    if (valueIfKnown(sharding.stage) !== 3 || !travels) return NONE;
    const live = valueIfKnown(sharding.maxLiveElements) ?? 1e9;
    const reuse = valueIfKnown(sharding.maxReuseDistanceElements) ?? 1e9;
    const keeps = Math.min(live, reuse);
    if (checkpointing !== 'full' || keeps >= parameters.largestBlock)
      return { blocks: 2, outside: 2, third: undefined };
    const limit = live <= reuse ? 'stage3_max_live_parameters' : 'stage3_max_reuse_distance';
    return {
      blocks: 3,
      outside: 2,
      third: `${limit} ${keeps.toExponential(0).replace('e+', 'e')} is less than one block`,
    };
  }
  if (sharding.kind !== 'fsdp' || shard <= 1) return NONE;
  const strategy = valueIfKnown(sharding.strategy) ?? 'FULL_SHARD';
  const kept = strategy === 'SHARD_GRAD_OP' || strategy === 'HYBRID_SHARD_ZERO2';
  return { blocks: kept ? 1 : 2, outside: 1, third: undefined };
}

/**
 * Whether weights are fetched ahead of their use. ZeRO-3 fetches on only while the elements in use and the next ones stay
 * below max_live_parameters (deepspeed runtime/zero/partitioned_param_coordinator.py:116).
 */
export function prefetches({ sharding, parameters }: TimeFacts): boolean {
  if (sharding.kind !== 'zero' || valueIfKnown(sharding.stage) !== 3) return true;
  const live = valueIfKnown(sharding.maxLiveElements) ?? 1e9;
  return valueIfKnown(sharding.prefetchBucketElements) !== 0 && live >= parameters.largestBlock;
}
