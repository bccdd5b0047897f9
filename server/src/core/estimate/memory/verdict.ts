import type { TrainingRun } from '../../run/training-run';
import { formatGib } from '../../text/format';
import type { Assumption, MemoryEstimate } from '../estimate';
import { type Band, residualClass } from './band';
import type { Facts } from './facts';
import type { Peaks } from './peaks';

/** What a verdict is about. */
interface Judged {
  /** What must fit, measured or predicted. */
  readonly band: Band;
  /** The peaks with every assumed input at its expected value. */
  readonly expected: Peaks;
  /** Inputs that had to be assumed. */
  readonly assumed: readonly string[];
  readonly isMeasured: boolean;
}

interface Verdict extends Pick<MemoryEstimate, 'fits' | 'open' | 'decides'> {
  /** Where it cannot be told, why. */
  readonly because?: Assumption;
}

/** Whether a run fits: only if the high end does, not only if the low end does not; else why it cannot be told, and what would. */
export function judge(run: TrainingRun, facts: Facts, judged: Judged): Verdict {
  const { capacity } = facts;
  if (capacity === null) return { fits: null };
  const { band, expected, assumed, isMeasured } = judged;
  const ambiguous = ambiguousWords(run, band);
  const stack = otherStack(run);
  const found = ambiguous === undefined && stack === undefined ? fitsInto(capacity, band) : null;
  const shrinks = run.batch.shrinks === true ? SHRINKS : undefined;
  const fits = shrinks && !found ? null : found;
  if (fits !== null) return { fits };
  const open = stack ?? shrinks ?? ambiguous ?? openWords(assumed, expected, band, capacity);
  const decides =
    stack !== undefined
      ? 'compiling it on the machine would decide it'
      : shrinks !== undefined
        ? 'the Trainer lessens it until a step fits'
        : decidesWords(assumed, expected, capacity, { isMeasured, ambiguous });
  const because = cannotBeTold(facts, open, decides, { band, capacity });
  return { fits, ...(open !== undefined && { open }), decides, because };
}

/** accelerate/utils/memory.py:167 (1.15.0) multiplies it by 0.9 until a step fits. */
const SHRINKS = 'with auto_find_batch_size the micro-batch is only the most it may be';

function fitsInto(bytes: number, { low, high }: Band): boolean | null {
  return high <= bytes ? true : low > bytes ? false : null;
}

/** Chips whose compilers plan memory themselves: the figures are those of torch's allocator on a GPU, and no verdict follows from them. */
const COMPILERS: Readonly<Record<string, string>> = {
  AWS: 'what the Neuron compiler plans is not modelled',
  Google: 'what the XLA compiler plans is not modelled',
};

function otherStack({ cluster }: TrainingRun): string | undefined {
  return cluster.known ? COMPILERS[cluster.value.accelerator.vendor] : undefined;
}

/**
 * `A100 could be 40 GB or 80 GB`, where that decides whether the run fits. The band of the taken meaning serves for all: only its
 * high end depends on the memory, and there it says that the cache may fill what is taken, the smallest in the catalog.
 */
function ambiguousWords({ cluster }: TrainingRun, band: Band): string | undefined {
  const meanings = cluster.known ? cluster.value.meanings : undefined;
  const verdicts = new Set(meanings?.memoryBytes.map((bytes) => fitsInto(bytes, band)));
  return verdicts.size > 1 ? meanings?.words : undefined;
}

/** A band this much wider than that of the expected values is one of unknown inputs: nothing is close there. */
const WIDE = 2;

/** `precision and micro-batch are not known`, where those make the band that holds the GPU's memory. */
function openWords(assumed: readonly string[], expected: Peaks, band: Band, capacity: number): string | undefined {
  const isWide = band.high - band.low > WIDE * (expected.high - expected.low);
  if (assumed.length === 0 || !(isWide || inputsDecide(assumed, expected, capacity))) return undefined;
  const named = assumed.slice(0, 2).join(' and ');
  return `${named} ${assumed.length > 1 || named.endsWith('s') ? 'are' : 'is'} not known`;
}

/** Why it cannot be told whether the run fits, and what would tell. */
function cannotBeTold(
  facts: Facts,
  open: string | undefined,
  decides: string,
  { band, capacity }: { readonly band: Band; readonly capacity: number },
): Assumption {
  const reach = `${formatGib(band.low)} to ${formatGib(band.high)} of ${formatGib(capacity)}`;
  return {
    what: 'whether it fits',
    value: open === undefined ? 'too close to call' : `cannot be told: ${open}`,
    because: `the band of ${RESIDUAL_WORDS[residualClass(facts)]} reaches from ${reach}; ${decides}`,
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
    return `knowing ${assumed.slice(0, 2).map(withArticle).join(' and ')} would decide it`;
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

/** `the micro-batch`, but `where vLLM runs`. */
function withArticle(what: string): string {
  return /^(?:how|where|whether)\b/.test(what) ? what : `the ${what}`;
}
