import { type AnalysisInput, analyze, rewriteInput } from '../analyze';
import type { Estimate } from '../estimate/estimate';
import { compose } from '../moves/compose';
import { dimensions } from '../moves/index';
import { EFFECTS, type Move } from '../moves/move';
import type { Closed } from '../moves/settled';
import type { TrainingRun } from '../run/training-run';
import type { SourceFile } from '../source';
import { formatGib } from '../text/format';
import { effectOf } from './choose';
import { Checker, type Goal, type Remedy, WORTHWHILE } from './confirm';
import { type Candidate, MOST_TRIED, search } from './search';
import { choose } from './select';

export interface FitResult {
  readonly goal: Goal;
  readonly before: Estimate;
  /** Best first: smallest change, fastest run, then what lies between. Empty with a reason in `why`. */
  readonly remedies: readonly Remedy[];
  readonly why: string | undefined;
  /** What the search changed, with how many other values of it were open; each also together with the others. */
  readonly searched: readonly Searched[];
  /** What the search could not change: a flag, a variable or a target decides it, or only the script can. */
  readonly closed: readonly Closed[];
  readonly tried: number;
  /** Every combination was tried, not only as many as the limit allows. */
  readonly complete: boolean;
}

/** One thing that the search changed. */
export interface Searched {
  /** As `micro-batch`. */
  readonly what: string;
  readonly values: number;
}

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
  yield tried;
  const checker = new Checker(analysis, run, rewriteInput(input), goal, before);
  yield tried;
  const remedies = yield* choose(worth, tried, checker);
  return {
    goal,
    before,
    remedies,
    why: remedies.length > 0 ? undefined : noRemedy(goal, run, nearest, checker),
    searched: searchedOf(options),
    closed,
    tried,
    complete,
  };
}

function searchedOf(options: readonly (readonly Move[])[]): Searched[] {
  return options.map((moves) => ({ what: moves[0]?.dimension ?? '', values: moves.length }));
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
  return { goal: 'fit', before, remedies: [], why, searched: [], closed, tried: 0, complete: true };
}

/** What has to be known before anything can be promised. */
function missingFacts(run: TrainingRun, { memory, assumptions }: Estimate): string | undefined {
  if (!run.model.known) return `the model is not known: ${run.model.why}`;
  if (!run.cluster.known) return `the hardware is not known: ${run.cluster.why}`;
  if (memory) return memory.capacity === null ? 'the memory of this GPU is not known' : undefined;
  const first = assumptions[0];
  return first ? `${first.what}: ${first.because}` : 'its memory cannot be predicted';
}

/** Another arithmetic or optimizer has to be worth more than a tenth of the step. */
const WORTH_NUMERICS = 0.75;

function isFaster(candidate: Candidate, { step }: Estimate): boolean {
  const { seconds } = candidate;
  const share = EFFECTS[effectOf(candidate)] === 'numerics' ? WORTH_NUMERICS : WORTHWHILE;
  return step !== null && seconds !== undefined && seconds < step.seconds * share;
}

function noRemedy(goal: Goal, run: TrainingRun, nearest: Candidate | undefined, { refusals }: Checker): string {
  if (goal === 'faster') return 'nothing that these files settle makes the step at least a tenth shorter';
  if (refusals.size > 0) return `what would fit brings other findings: ${[...refusals].sort().join(', ')}`;
  const { sharding } = run;
  const copies = sharding.known && sharding.value.kind === 'ddp' ? ', and each GPU holds a copy of everything' : '';
  if (!nearest) return `nothing that these files settle makes it fit${copies}`;
  const { title = '' } = compose(run, nearest.moves) ?? {};
  const need = `up to ${formatGib(nearest.high)} of ${formatGib(nearest.high / nearest.share)}`;
  return `nothing that these files settle makes it surely fit${copies}; the leanest needs ${need}: ${title}`;
}
