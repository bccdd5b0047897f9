import type { Overrides } from '../../core/analysis';
import type { Estimate } from '../../core/estimate/estimate';
import { type LargestTerm, largestTerms } from '../../core/features/largest-terms';
import { kept } from '../../core/kept';
import { withSources } from '../../core/rewrite/overlay';
import type { SourceFile } from '../../core/source';
import type { AnalysedSnapshot, Session } from '../session';
import { TrackedWorkspace } from '../workspace';

/** What the run would need if its file were this one; undefined while model or machine are not known. */
export function estimateOfText(
  session: Session,
  { analysis, workspace }: Pick<AnalysedSnapshot, 'analysis' | 'workspace'>,
  file: SourceFile,
): Estimate | undefined {
  if (!analysis.run?.model.known || !analysis.run.cluster.known) return undefined;
  const { analyze, catalogs } = session.core;
  const changed = withSources(workspace, new Map([[analysis.file.path, file]]));
  return analyze(file, { workspace: changed, catalogs, overrides: session.overridesInForce }).estimate();
}

/** {@link estimateOfText} of the file as it was saved: made anew only where something else has changed, which typing does not. */
export function estimateAsSaved(
  session: Session,
  { analysis }: AnalysedSnapshot,
  saved: SourceFile,
): Estimate | undefined {
  const overrides = session.overridesInForce;
  const before = asSaved.get(saved);
  if (before?.overrides === overrides && before.workspace.isFresh()) return before.estimate;
  const workspace = new TrackedWorkspace(session.files, saved.path);
  const estimate = estimateOfText(session, { analysis, workspace }, saved);
  if (estimate) asSaved.set(saved, { workspace, overrides, estimate });
  return estimate;
}

const asSaved = kept<SourceFile, { workspace: TrackedWorkspace; overrides: Overrides; estimate: Estimate }>();

/** The largest terms of the peak with what makes them smaller. Some milliseconds: only where the user asks for it. */
export function largestOf(session: Session, { analysis, workspace }: AnalysedSnapshot): readonly LargestTerm[] {
  const { catalogs } = session.core;
  return largestTerms(analysis, { workspace, catalogs, overrides: session.overridesInForce });
}
