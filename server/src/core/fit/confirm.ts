import type { Analysis } from '../analysis';
import type { Estimate } from '../estimate/estimate';
import type { FileEdit } from '../findings';
import { compose } from '../moves/compose';
import type { Move, TrainingEffect } from '../moves/move';
import { type Change, editsTo, makeWrites } from '../moves/written';
import { type RewriteInput, Trials } from '../rewrite/trial';
import type { TrainingRun } from '../run/training-run';
import type { Workspace } from '../source';
import type { Merit } from './choose';
import type { Candidate } from './search';

/** `fit`: the run does not surely fit. `faster`: it does, and remedies make the step shorter. */
export type Goal = 'fit' | 'faster';

/** A step has to get this much shorter for an edit to be worth it; the model is not finer. */
export const WORTHWHILE = 0.9;

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

/** Writes a candidate into the files and analyses them again. */
export class Checker {
  private readonly known = new Map<Candidate, Remedy | undefined>();
  private readonly workspace: Workspace;
  private readonly trials: Trials;
  private readonly alone = new Map<Move, ReadonlySet<string>>();
  private readonly suspects = new Set<Move>();
  /** Rules that spoke against what would otherwise have been a remedy. */
  readonly refusals = new Set<string>();

  constructor(
    analysis: Analysis,
    private readonly run: TrainingRun,
    input: RewriteInput,
    readonly goal: Goal,
    private readonly before: Estimate,
  ) {
    this.workspace = input.workspace;
    this.trials = new Trials(analysis, input, 'run');
  }

  /** The remedy, if the changed files give what was sought and bring no new finding. */
  confirm(candidate: Candidate): Remedy | undefined {
    if (!this.known.has(candidate)) this.known.set(candidate, this.check(candidate));
    return this.known.get(candidate);
  }

  /** Whether one of its moves brought a finding by itself before, so that it most likely does so again. */
  isSuspect({ moves }: Candidate): boolean {
    return moves.some((move) => this.suspects.has(move));
  }

  /** Rules that speak against a move made alone. */
  private findingsAlone(move: Move): ReadonlySet<string> {
    const known = this.alone.get(move);
    if (known) return known;
    const written = makeWrites(this.workspace, move.writes);
    const found = new Set(
      written
        ? this.trials
            .with(written.sources)
            .brings()
            .map(({ rule }) => rule)
        : [],
    );
    this.alone.set(move, found);
    return found;
  }

  private check({ moves }: Candidate): Remedy | undefined {
    const composed = compose(this.run, moves);
    const written = composed && makeWrites(this.workspace, composed.writes);
    if (!written || written.changes.length === 0) return undefined;
    const tried = this.trials.with(written.sources);
    const estimate = tried.analysis.estimate();
    if (estimate?.memory?.fits !== true || estimate.host?.fits === false) return undefined;
    const { step } = this.before;
    if (this.goal === 'faster' && !(step && estimate.step && estimate.step.seconds < step.seconds * WORTHWHILE))
      return undefined;
    const [against] = tried.brings();
    if (against) {
      this.refusals.add(against.rule);
      for (const move of moves) if (this.findingsAlone(move).has(against.rule)) this.suspects.add(move);
      return undefined;
    }
    return {
      title: composed.title,
      merits: [],
      training: composed.training,
      notes: composed.notes,
      changes: written.changes,
      edits: editsTo(this.workspace, written),
      estimate,
    };
  }
}
