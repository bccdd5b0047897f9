import { type AnalysisInput, analyze } from '../analyze';
import type { Estimate } from '../estimate/estimate';
import type { FileEdit, Finding } from '../findings';
import type { TrainingRun } from '../run/training-run';
import { runDialects, type SourceFile } from '../source';
import { editsBetween } from '../text/diff';
import { bySize, bySpeed, effectOf, type Merit, paretoFront } from './choose';
import type { TrainingEffect } from './move';
import { dimensions } from './moves/index';
import { type Candidate, search } from './search';
import { type Change, makeWrites, withSources } from './written';

/** An edit over the files of a run, with what it surely does: the estimate is that of the files as they then read. */
export interface Remedy {
  readonly title: string;
  /** What it is best at; the others lie between smallest and fastest. */
  readonly merits: readonly Merit[];
  readonly training: TrainingEffect;
  /** What the user has to know besides. */
  readonly notes: readonly string[];
  readonly changes: readonly Change[];
  readonly edits: readonly FileEdit[];
  readonly estimate: Estimate;
}

export interface FitResult {
  /** `fit`: the run does not surely fit. `faster`: it does, and remedies make the step shorter. */
  readonly goal: 'fit' | 'faster';
  readonly before: Estimate;
  /** Best first: smallest change, fastest run, then what lies between. Empty with a reason in `why`. */
  readonly remedies: readonly Remedy[];
  readonly why: string | undefined;
  readonly tried: number;
  /** Every combination was tried, not only as many as the limit allows. */
  readonly complete: boolean;
}

/** Remedies shown at most; more is no choice any more. */
const MOST_REMEDIES = 6;
/** Candidates of each order that are written and analysed before it is given up. */
const MOST_CHECKED = 24;
/** What only leaves more memory free may cost this much of the fastest step. */
const MOST_SLOWER = 1.25;
/** A step has to get this much shorter for an edit to be worth it; the model is not finer. */
const WORTHWHILE = 0.9;

/**
 * Searches the runs near this one for those that surely fit (or, where it fits, go faster). Each remedy was written into the
 * files and analysed again: its estimate is what the changed files give, and it brings no finding that was not there.
 * Pauses with the number of runs tried. Pure.
 */
export function* findRemedies(file: SourceFile, input: AnalysisInput): Generator<number, FitResult, void> {
  const analysis = analyze(file, input);
  const { run } = analysis;
  const before = analysis.estimate();
  if (!run || !before) return nothing(EMPTY, 'this file describes no training run');
  const missing = missingFacts(run, before);
  if (missing !== undefined) return nothing(before, missing);
  const goal = before.memory?.fits === true ? 'faster' : 'fit';
  const options = dimensions.map((open) => open(run)).filter((moves) => moves.length > 0);
  if (options.length === 0) return nothing(before, 'nothing that the search may change is settled by these files');
  const { fitting, nearest, tried, complete } = yield* search(run, options);
  const worth = goal === 'fit' ? fitting : fitting.filter((it) => isFaster(it, before));
  const remedies = [...choose(worth, new Checker(file, run, input, goal, before))];
  return {
    goal,
    before,
    remedies,
    why: remedies.length > 0 ? undefined : noRemedy(goal, nearest, fitting.length > 0),
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

function nothing(before: Estimate, why: string): FitResult {
  return { goal: 'fit', before, remedies: [], why, tried: 0, complete: true };
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

function noRemedy(goal: FitResult['goal'], nearest: Candidate | undefined, someFit: boolean): string {
  if (goal === 'faster') return 'nothing that these files settle makes the step at least a tenth shorter';
  if (someFit) return 'what would fit brings other findings';
  return nearest
    ? `nothing that these files settle makes it surely fit; the nearest is: ${nearest.moves.map(({ title }) => title).join('; ')}`
    : 'nothing that these files settle makes it fit';
}

/** Smallest change first, then the fastest, then the front between them; what was not confirmed is left out. */
function* choose(candidates: readonly Candidate[], checker: Checker): Generator<Remedy, void, void> {
  const same = candidates.filter((it) => effectOf(it) === 0);
  const smallest = firstConfirmed([...candidates].sort(bySize), checker);
  const fastest = firstConfirmed(bySpeed(same.length > 0 ? same : candidates), checker);
  const bold = firstConfirmed(bySpeed(candidates), checker);
  const named: [Merit, Confirmed | undefined][] = [
    ['smallest', smallest],
    ['fastest', fastest],
    ['fastest-numerics', isWorthIt(bold, fastest) ? bold : undefined],
  ];
  const found = new Map<Candidate, Remedy>();
  for (const [merit, it] of named) {
    if (!it) continue;
    const merits = [...(found.get(it.candidate)?.merits ?? []), merit];
    found.set(it.candidate, { ...it.remedy, merits });
  }
  yield* found.values();
  const slowest = MOST_SLOWER * (fastest?.candidate.seconds ?? Number.POSITIVE_INFINITY);
  let checked = 0;
  for (const candidate of paretoFront(candidates)) {
    if (found.size === MOST_REMEDIES || checked++ === MOST_CHECKED) return;
    if (found.has(candidate) || (candidate.seconds ?? 0) > slowest) continue;
    const remedy = checker.confirm(candidate);
    if (!remedy) continue;
    found.set(candidate, remedy);
    yield { ...remedy, merits: ['balanced'] };
  }
}

interface Confirmed {
  readonly candidate: Candidate;
  readonly remedy: Remedy;
}

/** Other numerics are offered only for a gain that surely shows. */
function isWorthIt(bold: Confirmed | undefined, fastest: Confirmed | undefined): boolean {
  const [a, b] = [bold?.candidate.seconds, fastest?.candidate.seconds];
  return bold?.candidate !== fastest?.candidate && a !== undefined && b !== undefined && a < b * WORTHWHILE;
}

function firstConfirmed(candidates: readonly Candidate[], checker: Checker): Confirmed | undefined {
  for (const candidate of candidates.slice(0, MOST_CHECKED)) {
    const remedy = checker.confirm(candidate);
    if (remedy) return { candidate, remedy };
  }
  return undefined;
}

/** Writes a candidate into the files and analyses them again. */
class Checker {
  private readonly known = new Map<Candidate, Remedy | undefined>();
  private readonly allowed: ReadonlySet<string>;

  constructor(
    private readonly file: SourceFile,
    private readonly run: TrainingRun,
    private readonly input: AnalysisInput,
    private readonly goal: FitResult['goal'],
    private readonly before: Estimate,
  ) {
    this.allowed = new Set(this.findings(input).map(({ rule }) => rule));
  }

  /** The remedy, if the changed files give what was sought and bring no new finding. */
  confirm(candidate: Candidate): Remedy | undefined {
    if (!this.known.has(candidate)) this.known.set(candidate, this.check(candidate));
    return this.known.get(candidate);
  }

  private check({ moves }: Candidate): Remedy | undefined {
    const { workspace } = this.input;
    const written = makeWrites(
      workspace,
      moves.flatMap(({ writes }) => writes),
    );
    if (!written || written.changes.length === 0) return undefined;
    const input = { ...this.input, workspace: withSources(workspace, written.sources) };
    const estimate = analyze(written.sources.get(this.file.path) ?? this.file, input).estimate();
    if (estimate?.memory?.fits !== true || estimate.host?.fits === false) return undefined;
    const { step } = this.before;
    if (this.goal === 'faster' && !(step && estimate.step && estimate.step.seconds < step.seconds * WORTHWHILE))
      return undefined;
    if (this.findings(input).some(({ rule }) => !this.allowed.has(rule))) return undefined;
    return {
      title: moves
        .map(({ title }, index) => (index === 0 ? title : title.charAt(0).toLowerCase() + title.slice(1)))
        .join(', '),
      merits: [],
      training: moves.some(({ training }) => training === 'numerics') ? 'numerics' : 'same',
      notes: moves.flatMap(({ note }) => note ?? []),
      changes: written.changes,
      edits: [...written.sources].flatMap(([path, { text }]) =>
        editsBetween(workspace.source(path)?.text ?? '', text).map((edit) => ({ path, ...edit })),
      ),
      estimate,
    };
  }

  /** Findings of every config file of the run. */
  private findings(input: AnalysisInput): readonly Finding[] {
    const { configs } = this.run;
    const paths = new Set(runDialects.flatMap((dialect) => configs[dialect]?.file.path ?? []));
    return [...paths].flatMap((path) => {
      const source = input.workspace.source(path);
      return source ? analyze(source, input).findings() : [];
    });
  }
}
