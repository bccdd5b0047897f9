import type { Estimate } from '../../core/estimate/estimate';
import { withSources } from '../../core/moves/written';
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
