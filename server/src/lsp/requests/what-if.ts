import type { Estimate } from '../../core/estimate/estimate';
import { type LargestTerm, largestTerms } from '../../core/features/largest-terms';
import { withSources } from '../../core/rewrite/overlay';
import type { SourceFile } from '../../core/source';
import type { AnalysedSnapshot, Session } from '../session';

/** What the run would need if its file were this one; undefined while model or machine are not known. */
export function estimateOfText(
  session: Session,
  { analysis, workspace }: AnalysedSnapshot,
  file: SourceFile,
): Estimate | undefined {
  if (!analysis.run?.model.known || !analysis.run.cluster.known) return undefined;
  const { analyze, catalogs } = session.core;
  const changed = withSources(workspace, new Map([[analysis.file.path, file]]));
  return analyze(file, { workspace: changed, catalogs, overrides: session.overridesInForce }).estimate();
}

/** The largest terms of the peak with what makes them smaller. Some milliseconds: only where the user asks for it. */
export function largestOf(session: Session, { analysis, workspace }: AnalysedSnapshot): readonly LargestTerm[] {
  const { catalogs } = session.core;
  return largestTerms(analysis, { workspace, catalogs, overrides: session.overridesInForce });
}
