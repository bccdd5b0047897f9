import type { Model } from '../../models/model';
import type { Facts } from './facts';
import { GatherCoordinator } from './gather-coordinator';
import { type GatherLimits, layOut, schedule } from './gather-order';

/**
 * Elements that ZeRO-3 has gathered on every rank, with the flat buffers that several are gathered in at once. What stays gathered is
 * not in them, as it is not in DeepSpeed's own count of live parameters.
 */
export interface GatherWalk {
  /** When forward is over. */
  readonly loss: number;
  /** While the head runs backward, and when backward has left it and the last norm. */
  readonly atHead: number;
  readonly head: number;
  /** The most while the last block runs backward, and while the others do. */
  readonly last: number;
  readonly others: number;
  /** The most at the moment when weights are copied out of the buffer they were gathered in. */
  readonly copying: number;
  /** What stays gathered from the first forward to the optimizer step, and from there on again. */
  readonly persistent: number;
}

/** By the tensors of a model, which its readings share. */
const walked = new WeakMap<Model['groups'], Map<string, GatherWalk>>();

/**
 * Walks the last blocks forward and backward as DeepSpeed's coordinator does: a module's parameters are gathered when it runs, those
 * that come next in the trace are gathered ahead while fewer than `max_live` are there, a bucket at a time, and what was used is
 * released unless it comes again within `max_reuse` or was passed over by the prefetch. Of several parameters at once there is a flat
 * buffer, and copies of it until the last has run. deepspeed/runtime/zero/partitioned_param_coordinator.py:338, 503 and 637,
 * partition_parameters.py:760 and 1343 (0.19.8).
 */
export function gatherWalk(facts: Facts, limits: GatherLimits): GatherWalk {
  const { model, tensor, checkpointing } = facts;
  const key = `${tensor} ${facts.expert} ${checkpointing} ${facts.lora === undefined} ${facts.quantization} ${Object.values(limits).join(' ')}`;
  const before = walked.get(model.groups) ?? new Map<string, GatherWalk>();
  walked.set(model.groups, before);
  const found = before.get(key) ?? walk(facts, limits);
  before.set(key, found);
  return found;
}

function walk(facts: Facts, limits: GatherLimits): GatherWalk {
  const { gathers, persistent, ...order } = layOut(facts, limits);
  const { visits, events, forward, head: untilHead, last: untilLast } = schedule(facts, order);
  const coordinator = new GatherCoordinator(gathers, visits, limits);
  const seen = { loss: 0, atHead: 0, head: 0, last: 0, others: 0 };
  for (const [index, { visit, releases }] of events.entries()) {
    if (releases === undefined) coordinator.fetchModule(visits[visit] ?? []);
    else coordinator.release(releases);
    const { live } = coordinator;
    if (index === forward - 1) seen.loss = live;
    // Two fetches: of the whole model, which has no weights of its own, and of the head.
    if (index === forward + 1) seen.atHead = live;
    if (index === untilHead - 1) seen.head = live;
    if (index < untilHead) continue;
    if (index < untilLast) seen.last = Math.max(seen.last, live);
    else seen.others = Math.max(seen.others, live);
  }
  return { ...seen, copying: coordinator.copying, persistent };
}
