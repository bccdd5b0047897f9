import type { MemoryGroup, Phase, PhaseMemory } from '../estimate';
import { momentBand } from './band';
import type { Facts } from './facts';
import { momentsOf, overheadOf } from './moments';
import { pagedBytes, spilled, withoutSpill } from './paged';
import { type Part, sumBytes, toTerm } from './part';
import type { Moment } from './phases';

/** The moment of a phase that needs most, with what is reserved beside its tensors. */
export interface Peak {
  readonly moment: Moment;
  readonly overhead: readonly Part[];
  /** What must fit: reserved and context. */
  readonly bytes: number;
  /** Paged optimizer state that is on the host, since the GPU has no room for it. */
  readonly spilled?: number;
}

/** The peaks of all phases, and the band of the largest. */
export interface Peaks {
  readonly winner: Peak;
  readonly standing: number;
  readonly phases: Readonly<Partial<Record<Phase, Peak>>>;
  readonly low: number;
  readonly high: number;
}

/** The peaks of one reading of the run. */
export function peaks(facts: Facts): Peaks {
  const { moments, standing } = momentsOf(facts);
  const { capacity } = facts;
  const paged = pagedBytes(facts);
  const phases: Partial<Record<Phase, Peak>> = {};
  for (const moment of moments) {
    const best = phases[moment.phase];
    if (best !== undefined && best.moment.allocated >= moment.allocated) continue;
    const overhead = overheadOf(facts, moment, standing);
    const wanted = moment.allocated + sumBytes(overhead);
    const pages = paged > 0 && moment.parts.some(({ id }) => id === 'optimizer.moments') ? paged : 0;
    const bytes = withoutSpill(wanted, pages, capacity);
    const there = pages > 0 ? spilled({ ...moment, managed: pages }, wanted - bytes) : moment;
    phases[moment.phase] = { moment: there, overhead, bytes, spilled: wanted - bytes };
  }
  let winner: Peak | undefined;
  for (const peak of Object.values(phases)) {
    // Where the allocator gives back its cache, several phases come to the whole memory: the one that needs it decides.
    const isMore =
      winner === undefined ||
      peak.bytes > winner.bytes ||
      (peak.bytes === winner.bytes && peak.moment.allocated > winner.moment.allocated);
    if (isMore) winner = peak;
  }
  const nothing: Moment = { phase: 'step', name: 'nothing', parts: [], allocated: 0 };
  const top = winner ?? { moment: nothing, overhead: [], bytes: 0, spilled: 0 };
  // The band is that of all state on the GPU, less what can leave it.
  const away = top.spilled ?? 0;
  const band = momentBand(facts, { ...top.moment, allocated: top.moment.allocated + away }, standing);
  const pages = (top.moment.managed ?? 0) + away;
  const [low, high] = [band.low, band.high].map((end) => withoutSpill(end, pages, capacity));
  return { winner: top, standing, phases, low: low ?? 0, high: high ?? 0 };
}

/** The phases as the estimate shows them. */
export function describePhases(phases: Peaks['phases']): Readonly<Record<Phase, PhaseMemory | null>> {
  const describe = (peak: Peak | undefined): PhaseMemory | null =>
    peak === undefined
      ? null
      : {
          bytes: peak.bytes,
          allocated: peak.moment.allocated - (peak.moment.managed ?? 0),
          moment: peak.moment.name,
          terms: [...peak.moment.parts, ...peak.overhead].filter((part) => part.bytes > 0).map(toTerm),
        };
  return {
    load: describe(phases.load),
    step: describe(phases.step),
    eval: describe(phases.eval),
    save: describe(phases.save),
  };
}

/** The bytes of a peak by group. */
export function breakdown(peak: Peak): Readonly<Record<MemoryGroup, number>> {
  const groups: Record<MemoryGroup, number> = {
    parameters: 0,
    gradients: 0,
    optimizer: 0,
    activations: 0,
    logits: 0,
    buffers: 0,
    context: 0,
    fragmentation: 0,
  };
  for (const part of peak.moment.parts) groups[part.group] += part.bytes;
  for (const part of peak.overhead) groups[part.group] += part.bytes;
  return groups;
}
