import { type AnalysisInput, analyze } from '../analyze';
import { OUTDATED } from '../calibrate/measurement';
import type { Estimate } from '../estimate/estimate';
import type { FileEdit, Finding } from '../findings';
import { compose } from '../moves/compose';
import type { Move, TrainingEffect } from '../moves/move';
import { type Change, editsTo, makeWrites, withSources } from '../moves/written';
import type { TrainingRun } from '../run/training-run';
import { runDialects, type SourceFile } from '../source';
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
  private readonly allowed: ReadonlySet<string>;
  private readonly alone = new Map<Move, ReadonlySet<string>>();
  private readonly suspects = new Set<Move>();
  /** Rules that spoke against what would otherwise have been a remedy. */
  readonly refusals = new Set<string>();

  constructor(
    private readonly file: SourceFile,
    private readonly run: TrainingRun,
    private readonly input: AnalysisInput,
    readonly goal: Goal,
    private readonly before: Estimate,
  ) {
    this.allowed = new Set([...this.findings(input).map(({ rule }) => rule), OUTDATED]);
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
    const { workspace } = this.input;
    const written = makeWrites(workspace, move.writes);
    const input = written && { ...this.input, workspace: withSources(workspace, written.sources) };
    const found = new Set(input ? this.findings(input).map(({ rule }) => rule) : []);
    this.alone.set(move, found);
    return found;
  }

  private check({ moves }: Candidate): Remedy | undefined {
    const { workspace } = this.input;
    const composed = compose(this.run, moves);
    const written = composed && makeWrites(workspace, composed.writes);
    if (!written || written.changes.length === 0) return undefined;
    const input = { ...this.input, workspace: withSources(workspace, written.sources) };
    const estimate = analyze(written.sources.get(this.file.path) ?? this.file, input).estimate();
    if (estimate?.memory?.fits !== true || estimate.host?.fits === false) return undefined;
    const { step } = this.before;
    if (this.goal === 'faster' && !(step && estimate.step && estimate.step.seconds < step.seconds * WORTHWHILE))
      return undefined;
    const against = this.findings(input).find(({ rule }) => !this.allowed.has(rule));
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
      edits: editsTo(workspace, written),
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
