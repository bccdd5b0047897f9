import { differences } from '../../calibrate/fingerprint';
import type { TrainingRun } from '../../run/training-run';
import { formatGib } from '../../text/format';
import type { Assumption, MemoryEstimate, MemoryGroup, Phase, PhaseMemory } from '../estimate';
import { momentBand, residualClass } from './band';
import { isEncoderDecoder } from './blocks';
import { type Corner, type Facts, readFacts } from './facts';
import { type MeasuredPeak, measuredPeak, measurementOf } from './measured';
import { momentsOf, overheadOf } from './moments';
import { type Part, sumBytes, toTerm } from './part';
import type { Moment } from './phases';
import { isCounted } from './recorded';

/**
 * Predicts the peak memory of one GPU: the largest of the phases, each a sum of what is alive together then.
 * Null when the model, the sharding or the number of shards is not known; the reason is among the assumptions.
 * Pure. Formulas are counts of test/oracle/record_memory.py; each term names its own source.
 */
export function estimateMemory(run: TrainingRun): {
  memory: MemoryEstimate | null;
  assumptions: readonly Assumption[];
} {
  const assumptions: Assumption[] = [];
  const facts = readFacts(run, 'expected', (assumption) => assumptions.push(assumption));
  if (facts === undefined) return { memory: null, assumptions };
  const assumed = assumptions.map(({ what }) => what);
  const isAssumed = assumed.length > 0;
  noteLimits(facts, assumptions);
  const expected = peaks(facts);
  const low = isAssumed ? corner(run, 'low') : expected;
  const high = isAssumed ? corner(run, 'high') : expected;
  const capacity = facts.capacity;
  if (capacity === null) {
    assumptions.push({
      what: 'GPU memory',
      value: 'not known',
      because: run.cluster.known ? 'the accelerator has no figure' : run.cluster.why,
    });
  }
  const predicted = {
    ...expected.winner,
    standing: expected.standing,
    low: Math.min(expected.winner.bytes, low.low),
    high: Math.max(expected.winner.bytes, high.high),
  };
  const measured = measuredOf(run, facts, predicted, assumptions);
  const top = measured ?? predicted;
  const phases = describePhases({ ...expected.phases, [top.moment.phase]: top });
  const { bytes, low: bandLow, high: bandHigh } = top;
  const verdict = { bandLow, bandHigh, capacity: capacity ?? 0 };
  const ambiguous = capacity === null ? undefined : ambiguousWords(run, verdict);
  const fits = capacity === null || ambiguous !== undefined ? null : fitsInto(capacity, verdict);
  const isOpen = capacity !== null && fits === null;
  const open = isOpen ? (ambiguous ?? openWords(assumed, expected, verdict)) : undefined;
  const decides = isOpen
    ? decidesWords(assumed, expected, capacity, { isMeasured: measured !== undefined, ambiguous })
    : undefined;
  if (decides !== undefined) assumptions.push(cannotBeTold(facts, open, decides, verdict));
  return {
    memory: {
      value: bytes,
      low: bandLow,
      high: bandHigh,
      capacity,
      fits,
      ...(open !== undefined && { open }),
      ...(decides !== undefined && { decides }),
      phase: top.moment.phase,
      allocated: top.moment.allocated,
      ...(measured?.from !== undefined && { measured: measured.from }),
      breakdown: breakdown(top),
      phases,
    },
    assumptions,
  };
}

interface Peak {
  readonly moment: Moment;
  readonly overhead: readonly Part[];
  /** What must fit: reserved and context. */
  readonly bytes: number;
}

interface Peaks {
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

/** What was measured of this very run in place of what is predicted; of another state of its files, only that it was. */
function measuredOf(
  run: TrainingRun,
  facts: Facts,
  predicted: Parameters<typeof measuredPeak>[1],
  assumptions: Assumption[],
): MeasuredPeak | undefined {
  if (run.measured === undefined) return undefined;
  if (facts.driver) {
    const because = 'measured on this machine; they do not depend on model or batch';
    assumptions.push({
      what: 'CUDA context and NCCL',
      value: `${formatGib(facts.driver.value)}, ${facts.driver.from}`,
      because,
    });
  }
  const own = measurementOf(run);
  const peak = own && measuredPeak(facts, predicted, own);
  if (peak) assumptions.push(peak.assumption);
  const stale = own ? undefined : run.measured.findLast(({ isOwn }) => isOwn);
  if (stale) {
    const because = `it was taken of another run: ${differences(stale.run, run).join('; ')}`;
    assumptions.push({ what: `measurement "${stale.name}"`, value: 'not used', because });
  }
  return peak;
}

/** The estimate at one end of what had to be assumed. */
function corner(run: TrainingRun, which: Corner): { readonly low: number; readonly high: number } {
  const facts = readFacts(run, which, () => undefined);
  return facts === undefined ? { low: 0, high: Number.POSITIVE_INFINITY } : peaks(facts);
}

interface Verdict {
  readonly bandLow: number;
  readonly bandHigh: number;
  readonly capacity: number;
}

function fitsInto(bytes: number, { bandLow, bandHigh }: Verdict): boolean | null {
  return bandHigh <= bytes ? true : bandLow > bytes ? false : null;
}

/**
 * `A100 could be 40 GB or 80 GB`, where that decides whether the run fits. The band of the taken meaning serves for all: only its
 * high end depends on the memory, and there it says that the cache may fill what is taken, the smallest in the catalog.
 */
function ambiguousWords({ cluster }: TrainingRun, verdict: Verdict): string | undefined {
  const meanings = cluster.known ? cluster.value.meanings : undefined;
  const verdicts = new Set(meanings?.memoryBytes.map((bytes) => fitsInto(bytes, verdict)));
  return verdicts.size > 1 ? meanings?.words : undefined;
}

/** A band this much wider than that of the expected values is one of unknown inputs: nothing is close there. */
const WIDE = 2;

/** `precision and micro-batch are not known`, where those make the band that holds the GPU's memory. */
function openWords(
  assumed: readonly string[],
  expected: Peaks,
  { bandLow, bandHigh, capacity }: Verdict,
): string | undefined {
  const isWide = bandHigh - bandLow > WIDE * (expected.high - expected.low);
  if (assumed.length === 0 || !(isWide || inputsDecide(assumed, expected, capacity))) return undefined;
  const named = assumed.slice(0, 2).join(' and ');
  return `${named} ${assumed.length > 1 || named.endsWith('s') ? 'are' : 'is'} not known`;
}

/** Why it cannot be told whether the run fits, and what would tell. */
function cannotBeTold(
  facts: Facts,
  open: string | undefined,
  decides: string,
  { bandLow, bandHigh, capacity }: Verdict,
): Assumption {
  const band = `${formatGib(bandLow)} to ${formatGib(bandHigh)} of ${formatGib(capacity)}`;
  return {
    what: 'whether it fits',
    value: open === undefined ? 'too close to call' : `cannot be told: ${open}`,
    because: `the band of ${RESIDUAL_WORDS[residualClass(facts)]} reaches from ${band}; ${decides}`,
  };
}

/** With every input known the band would be the narrower one of the expected values: whether that would decide. */
function inputsDecide(assumed: readonly string[], expected: Peaks, capacity: number): boolean {
  return assumed.length > 0 && (expected.high <= capacity || expected.low > capacity);
}

/** What would decide whether a run fits whose band holds the GPU's memory. */
function decidesWords(
  assumed: readonly string[],
  expected: Peaks,
  capacity: number,
  { isMeasured, ambiguous }: { readonly isMeasured: boolean; readonly ambiguous: string | undefined },
): string {
  if (ambiguous !== undefined) return `${ambiguous}, and naming the one that is meant would decide it`;
  if (inputsDecide(assumed, expected, capacity))
    return `knowing the ${assumed.slice(0, 2).join(' and the ')} would decide it`;
  if (isMeasured) return 'what nvidia-smi shows while it trains would decide it';
  return 'one step on the GPU would decide it, whose log shardlens calibrate reads';
}

const RESIDUAL_WORDS = {
  plain: 'such runs',
  compiled: 'compiled models',
  streams: 'ZeRO-3 and FSDP 1',
  quantised: 'quantised models',
  split: 'tensor and pipeline parallel runs',
} as const;

function describePhases(phases: Peaks['phases']): Readonly<Record<Phase, PhaseMemory | null>> {
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

function breakdown(peak: Peak): Readonly<Record<MemoryGroup, number>> {
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

/** What the formulas do not cover, said once. */
function noteLimits(facts: Facts, assumptions: Assumption[]): void {
  const { model } = facts;
  if (!isCounted(facts)) {
    assumptions.push({
      what: 'activations',
      value: 'as in a Llama block of the same shape',
      because: `what ${model.modelType} blocks save has not been counted; the band is wider`,
    });
  }
  if (isEncoderDecoder(facts)) {
    assumptions.push({
      what: 'length of input and output',
      value: 'the same',
      because: 'encoder and decoder have a length each, and the config gives one',
    });
  }
  if (model.blocks.some((block) => block.tower === 'vision' || block.tower === 'audio')) {
    assumptions.push({
      what: 'vision or audio tower',
      value: 'its activations are not counted',
      because: 'image and clip sizes are not in the config',
    });
  }
}
