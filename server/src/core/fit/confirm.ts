import { type AnalysisInput, analyze } from '../analyze';
import { OUTDATED } from '../calibrate/measurement';
import type { Estimate } from '../estimate/estimate';
import type { FileEdit, Finding } from '../findings';
import { compose } from '../moves/compose';
import type { TrainingEffect } from '../moves/move';
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

  constructor(
    private readonly file: SourceFile,
    private readonly run: TrainingRun,
    private readonly input: AnalysisInput,
    private readonly goal: Goal,
    private readonly before: Estimate,
  ) {
    this.allowed = new Set([...this.findings(input).map(({ rule }) => rule), OUTDATED]);
  }

  /** The remedy, if the changed files give what was sought and bring no new finding. */
  confirm(candidate: Candidate): Remedy | undefined {
    if (!this.known.has(candidate)) this.known.set(candidate, this.check(candidate));
    return this.known.get(candidate);
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
    if (this.findings(input).some(({ rule }) => !this.allowed.has(rule))) return undefined;
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
