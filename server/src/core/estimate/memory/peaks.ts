import type { MemoryGroup, Phase, PhaseMemory } from '../estimate';
import { momentBand } from './band';
import type { Facts } from './facts';
import { momentsOf, overheadOf } from './moments';
import { type Part, sumBytes, toTerm } from './part';
import type { Moment } from './phases';

/** The moment of a phase that needs most, with what is reserved beside its tensors. */
export interface Peak {
  readonly moment: Moment;
  readonly overhead: readonly Part[];
  /** What must fit: reserved and context. */
  readonly bytes: number;
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
  const phases: Partial<Record<Phase, Peak>> = {};
  for (const moment of moments) {
    const best = phases[moment.phase];
    if (best !== undefined && best.moment.allocated >= moment.allocated) continue;
    const overhead = overheadOf(facts, moment, standing);
    phases[moment.phase] = { moment, overhead, bytes: moment.allocated + sumBytes(overhead) };
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
  const top = winner ?? { moment: { phase: 'step', name: 'nothing', parts: [], allocated: 0 }, overhead: [], bytes: 0 };
  return { winner: top, standing, phases, ...momentBand(facts, top.moment, standing) };
}

/** The phases as the estimate shows them. */
export function describePhases(phases: Peaks['phases']): Readonly<Record<Phase, PhaseMemory | null>> {
  const describe = (peak: Peak | undefined): PhaseMemory | null =>
    peak === undefined
      ? null
      : {
          bytes: peak.bytes,
          allocated: peak.moment.allocated,
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
