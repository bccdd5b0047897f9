import type { Analysis } from '../analysis';
import { OUTDATED } from '../calibrate/measurement';
import type { Finding } from '../findings';
import { type Path, runDialects, type SourceFile, type Workspace } from '../source';
import { withSources } from './overlay';

/** What analysing a file with other texts around it takes. */
export interface RewriteInput {
  readonly workspace: Workspace;
  /** Analyses a file with other texts around it, for the same target and settings. */
  readonly analyze: (file: SourceFile, workspace: Workspace) => Analysis;
}

/** A file as it reads once an edit is made, in itself or beside it. Nothing is written. */
export interface Tried {
  readonly analysis: Analysis;
  /**
   * Findings of rules that speak more often than before, each with all that such a rule says. That a measurement no longer
   * belongs to the run is none: any change of a measured run says it.
   */
  brings(): readonly Finding[];
}

/**
 * Tries edits: the files are analysed as they would read, and compared with how they read now. Remedies, levers and preferred fixes all
 * promise by it. Findings are compared in the file alone, or in every file of its run.
 */
export class Trials {
  private before: ReadonlyMap<string, number> | undefined;

  constructor(
    private readonly analysis: Analysis,
    private readonly input: RewriteInput,
    private readonly where: 'file' | 'run',
  ) {}

  /** The file with these texts in place of those that it and its neighbours have. */
  with(sources: ReadonlyMap<Path, SourceFile>): Tried {
    const workspace = withSources(this.input.workspace, sources);
    const { path } = this.analysis.file;
    const analysis = this.input.analyze(sources.get(path) ?? this.analysis.file, workspace);
    return {
      analysis,
      brings: () => {
        const found = this.findings(analysis, workspace);
        const now = counts(found);
        this.before ??= counts(this.findings(this.analysis, this.input.workspace));
        const had = this.before;
        return found.filter(({ rule }) => rule !== OUTDATED && (now.get(rule) ?? 0) > (had.get(rule) ?? 0));
      },
    };
  }

  private findings(analysis: Analysis, workspace: Workspace): readonly Finding[] {
    if (this.where === 'file') return analysis.findings();
    // The files of the run as it was: an edit that lets go of one has to answer for it still.
    const { run } = this.analysis;
    const paths = new Set(runDialects.flatMap((dialect) => run?.configs[dialect]?.file.path ?? []));
    return [...paths].flatMap((path) => {
      if (path === analysis.file.path) return analysis.findings();
      const source = workspace.source(path);
      return source ? this.input.analyze(source, workspace).findings() : [];
    });
  }
}

function counts(findings: readonly Finding[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const { rule } of findings) found.set(rule, (found.get(rule) ?? 0) + 1);
  return found;
}
