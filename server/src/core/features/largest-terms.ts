import type { Analysis } from '../analysis';
import type { AnalysisInput } from '../analyze';
import type { Term } from '../estimate/estimate';
import { estimateMemory } from '../estimate/memory/index';
import { estimateTime } from '../estimate/time/index';
import { dimensions } from '../moves/index';
import { EFFECTS, type Move, type TrainingEffect } from '../moves/move';
import type { Change } from '../moves/written';
import type { TrainingRun } from '../run/training-run';
import { type Base, type Bytes, baseOf, bytesAt, type Trial, trials } from './trials';

/** One of the largest terms of the peak, and the setting that takes something off it. */
export interface LargestTerm {
  readonly term: Term;
  /** Undefined where no single change that these files settle makes the term smaller. */
  readonly lever: Lever | undefined;
}

/** A change of one setting, written into the files and estimated again. Bytes per GPU; both sides are as predicted. */
export interface Lever {
  readonly changes: readonly Change[];
  /** What the term loses, at the moment it was read at. */
  readonly saves: number;
  /** What the peak loses; less than {@link saves} where another moment then peaks. */
  readonly savesAtPeak: number;
  /** Where the run did not surely fit before: whether it does then. */
  readonly fits: boolean | null;
  /** Seconds of a step before and after; undefined where they are not known. */
  readonly step: { readonly before: number; readonly after: number } | undefined;
  readonly training: TrainingEffect;
  readonly note: string | undefined;
  /** The rule that would then speak, as `offload-not-needed`: what is named helps the term and is not recommended. */
  readonly brings: string | undefined;
}

const SHOWN = 3;
/** A smaller share of a term is not worth a change of the run. */
const LEAST_SHARE = 0.1;
/** Of what takes off at least this share of the most that can be, the fastest is named. */
const GOOD_SHARE = 0.5;
/** Settings that are written and analysed for one term before it is given up. */
const MOST_CHECKED = 4;

const found = new WeakMap<Analysis, readonly LargestTerm[]>();

/**
 * The largest terms of the phase that peaks. Each lever is one step of the search for fits, tried on the facts, then written
 * into the files and analysed again: it says what the changed files give, and which finding they bring.
 * Takes some milliseconds, so it is asked for on request only.
 */
export function largestTerms(analysis: Analysis, input: AnalysisInput): readonly LargestTerm[] {
  const known = found.get(analysis) ?? compute(analysis, input);
  found.set(analysis, known);
  return known;
}

function compute(analysis: Analysis, input: AnalysisInput): readonly LargestTerm[] {
  const { run } = analysis;
  const memory = analysis.estimate()?.memory;
  const peak = memory?.phases[memory.phase];
  if (!run || !memory || !peak) return [];
  const base = baseOf(run, memory.phase, peak.moment);
  const terms = [...peak.terms].sort((a, b) => b.bytes - a.bytes).slice(0, SHOWN);
  if (!base) return terms.map((term) => ({ term, lever: undefined }));
  const neighbours = neighboursOf(run, base);
  const trial = trials(analysis, base, input);
  return terms.map((term) => ({ term, lever: leverFor(term, base, neighbours, trial) }));
}

interface Neighbour {
  readonly move: Move;
  readonly bytes: Bytes;
  readonly fits: boolean | null;
  readonly seconds: number;
}

/** The runs one move away that need no more than this one. */
function neighboursOf(run: TrainingRun, base: Base): Neighbour[] {
  return dimensions
    .flatMap((open) => open(run))
    .flatMap((move): Neighbour[] => {
      const changed = { ...move.apply(run), measured: undefined };
      const { memory } = estimateMemory(changed);
      const bytes = memory && bytesAt(changed, base.phase, base.moment, memory);
      if (!memory || !bytes || memory.allocated > base.memory.allocated) return [];
      const { step } = estimateTime(changed, { memory: () => ({ memory, assumptions: [] }) });
      return [{ move, bytes, fits: memory.fits, seconds: step?.seconds ?? 0 }];
    });
}

/** The first that brings no finding; else the first that does. */
function leverFor(term: Term, base: Base, neighbours: readonly Neighbour[], trial: Trial): Lever | undefined {
  let second: Lever | undefined;
  for (const { move } of ranked(term, base, neighbours).slice(0, MOST_CHECKED)) {
    const lever = leverOf(move, term, base, trial);
    if (lever?.brings === undefined && lever) return lever;
    second ??= lever;
  }
  return second;
}

/** What makes the run fit comes first, then what leaves the training as it is and needs no package, then the fastest of those that take off enough. */
function ranked({ id }: Term, base: Base, neighbours: readonly Neighbour[]): Neighbour[] {
  const before = base.bytes.get(id) ?? 0;
  const saved = ({ bytes }: Neighbour): number => before - (bytes.get(id) ?? 0);
  const useful = neighbours.filter((it) => saved(it) >= LEAST_SHARE * before && saved(it) > 0);
  const enough = GOOD_SHARE * Math.max(0, ...useful.map(saved));
  const order = (it: Neighbour): number[] => [
    base.memory.fits !== true && it.fits === true ? 0 : 1,
    EFFECTS.indexOf(it.move.training),
    saved(it) >= enough ? 0 : 1,
    it.move.note === undefined ? 0 : 1,
    it.seconds,
    -saved(it),
  ];
  return useful.sort((a, b) => firstDifference(order(a), order(b)));
}

function firstDifference(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) if (value !== b[index]) return value - (b[index] ?? 0);
  return 0;
}

/** The lever as the changed files give it; undefined where they give less than the facts promised. */
function leverOf(move: Move, { id }: Term, base: Base, trial: Trial): Lever | undefined {
  const tried = trial(move);
  if (!tried) return undefined;
  const { memory, step, bytes, changes, brings } = tried;
  const before = base.bytes.get(id) ?? 0;
  const saves = before - (bytes.get(id) ?? 0);
  const savesAtPeak = base.memory.allocated - memory.allocated;
  if (saves < LEAST_SHARE * before || savesAtPeak < 0) return undefined;
  return {
    changes,
    saves,
    savesAtPeak,
    fits: base.memory.fits === true ? null : memory.fits,
    step: base.step && step ? { before: base.step.seconds, after: step.seconds } : undefined,
    training: move.training,
    note: move.note,
    brings,
  };
}
