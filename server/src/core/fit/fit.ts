import { type AnalysisInput, analyze } from '../analyze';
import type { Estimate } from '../estimate/estimate';
import { dimensions } from '../moves/index';
import type { Closed } from '../moves/settled';
import type { TrainingRun } from '../run/training-run';
import type { SourceFile } from '../source';
import { bySize, bySpeed, effectOf, type Merit, paretoFront } from './choose';
import { Checker, type Goal, type Remedy, WORTHWHILE } from './confirm';
import { type Candidate, MOST_TRIED, search } from './search';

export interface FitResult {
  readonly goal: Goal;
  readonly before: Estimate;
  /** Best first: smallest change, fastest run, then what lies between. Empty with a reason in `why`. */
  readonly remedies: readonly Remedy[];
  readonly why: string | undefined;
  /** What the search could not change, since a flag, a variable or a target decides it. */
  readonly closed: readonly Closed[];
  readonly tried: number;
  /** Every combination was tried, not only as many as the limit allows. */
  readonly complete: boolean;
}

/** Remedies shown at most; more is no choice any more. */
const MOST_REMEDIES = 6;
/** Candidates of each order that are written and analysed before it is given up. */
const MOST_CHECKED = 24;
/** A smaller change that makes the step this many times longer than it has to be is no remedy. */
const SENSIBLE = 3;
/** What only leaves more memory free may cost this much of the fastest step. */
const MOST_SLOWER = 1.25;

/**
 * Searches the runs near this one for those that surely fit (or, where it fits, go faster). Each remedy was written into the
 * files and analysed again: its estimate is what the changed files give, and it brings no finding that was not there.
 * Pauses with the number of runs tried, which are at most `most`. Pure.
 */
export function* findRemedies(
  file: SourceFile,
  input: AnalysisInput,
  most: number = MOST_TRIED,
): Generator<number, FitResult, void> {
  const analysis = analyze(file, input);
  const { run } = analysis;
  const before = analysis.estimate();
  if (!run || !before) return nothing(EMPTY, 'this file describes no training run');
  const missing = missingFacts(run, before);
  if (missing !== undefined) return nothing(before, missing);
  const goal = before.memory?.fits === true && before.host?.fits !== false ? 'faster' : 'fit';
  const closed: Closed[] = [];
  const note = (it: Closed): void => {
    if (!closed.some((known) => known.what === it.what && known.because === it.because)) closed.push(it);
  };
  const options = dimensions.map((open) => open(run, note)).filter((moves) => moves.length > 0);
  if (options.length === 0)
    return nothing(before, 'nothing that the search may change is settled by these files', closed);
  const { fitting, nearest, tried, complete } = yield* search(run, options, most);
  // A GPU filled to the brim is offered only where nothing else fits.
  const roomy = fitting.filter(({ isFull }) => !isFull);
  const usable = roomy.length > 0 ? roomy : fitting;
  const worth = goal === 'fit' ? usable : usable.filter((it) => isFaster(it, before));
  const remedies = yield* choose(worth, tried, new Checker(file, run, input, goal, before));
  return {
    goal,
    before,
    remedies,
    why: remedies.length > 0 ? undefined : noRemedy(goal, nearest, fitting.length > 0),
    closed,
    tried,
    complete,
  };
}

const EMPTY: Estimate = {
  memory: null,
  host: null,
  checkpoint: null,
  step: null,
  links: [],
  offloads: [],
  assumptions: [],
};

function nothing(before: Estimate, why: string, closed: readonly Closed[] = []): FitResult {
  return { goal: 'fit', before, remedies: [], why, closed, tried: 0, complete: true };
}

/** What has to be known before anything can be promised. */
function missingFacts(run: TrainingRun, { memory, assumptions }: Estimate): string | undefined {
  if (!run.model.known) return `the model is not known: ${run.model.why}`;
  if (!run.cluster.known) return `the hardware is not known: ${run.cluster.why}`;
  if (memory) return memory.capacity === null ? 'the memory of this GPU is not known' : undefined;
  const first = assumptions[0];
  return first ? `${first.what}: ${first.because}` : 'its memory cannot be predicted';
}

function isFaster({ seconds }: Candidate, { step }: Estimate): boolean {
  return step !== null && seconds !== undefined && seconds < step.seconds * WORTHWHILE;
}

function noRemedy(goal: Goal, nearest: Candidate | undefined, someFit: boolean): string {
  if (goal === 'faster') return 'nothing that these files settle makes the step at least a tenth shorter';
  if (someFit) return 'what would fit brings other findings';
  return nearest
    ? `nothing that these files settle makes it surely fit; the nearest is: ${nearest.moves.map(({ title }) => title).join('; ')}`
    : 'nothing that these files settle makes it fit';
}

/**
 * Smallest change first, then the fastest, then the front between them; what was not confirmed is left out. Pauses with
 * `tried` after each that was analysed.
 */
function* choose(candidates: readonly Candidate[], tried: number, checker: Checker): Generator<number, Remedy[], void> {
  const first = function* (sorted: readonly Candidate[]): Generator<number, Confirmed | undefined, void> {
    for (const candidate of sorted.slice(0, MOST_CHECKED)) {
      const remedy = checker.confirm(candidate);
      yield tried;
      if (remedy) return { candidate, remedy };
    }
    return undefined;
  };
  const named: [Merit, Confirmed][] = [];
  let fastest: Confirmed | undefined;
  for (const [effect, merit] of FASTEST.entries()) {
    const found: Confirmed | undefined = yield* first(bySpeed(candidates.filter((it) => effectOf(it) <= effect)));
    if (!found || (fastest && !isWorthIt(found, fastest))) continue;
    // Nothing that keeps the training is there: the least change of it is simply the fastest.
    named.push([fastest || effectOf(found.candidate) === 0 ? merit : 'fastest', found]);
    fastest = found;
  }
  const limit = SENSIBLE * (named[0]?.[1].candidate.seconds ?? Number.POSITIVE_INFINITY);
  const sensible = candidates.filter(({ seconds }) => (seconds ?? 0) <= limit);
  const smallest = yield* first([...sensible].sort(bySize));
  if (smallest) named.unshift(['smallest', smallest]);
  const found = new Map<Candidate, Remedy>();
  for (const [merit, it] of named) {
    const merits = [...(found.get(it.candidate)?.merits ?? []), merit];
    found.set(it.candidate, { ...it.remedy, merits });
  }
  const slowest =
    MOST_SLOWER * (named.find(([merit]) => merit === 'fastest')?.[1].candidate.seconds ?? Number.POSITIVE_INFINITY);
  const between = paretoFront(candidates).filter((it) => !found.has(it) && (it.seconds ?? 0) <= slowest);
  for (const candidate of between.slice(0, MOST_CHECKED)) {
    if (found.size === MOST_REMEDIES) break;
    const remedy = checker.confirm(candidate);
    yield tried;
    if (remedy) found.set(candidate, { ...remedy, merits: ['balanced'] });
  }
  return [...found.values()];
}

interface Confirmed {
  readonly candidate: Candidate;
  readonly remedy: Remedy;
}

/** What each effect on the training may be called, from none to the most. */
const FASTEST: readonly Merit[] = ['fastest', 'fastest-data', 'fastest-numerics'];

/** Another training is offered only for a gain that surely shows. */
function isWorthIt(bold: Confirmed, fastest: Confirmed): boolean {
  const [a, b] = [bold.candidate.seconds, fastest.candidate.seconds];
  return a !== undefined && b !== undefined && a < b * WORTHWHILE;
}
