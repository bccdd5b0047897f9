import type { Diagnostic, DocumentDiagnosticReport } from 'vscode-languageserver-protocol';
import type { Finding } from '../../core/findings';
import type { Path } from '../../core/source';
import { toDiagnostic } from '../convert';
import type { AnalysedSnapshot, Session, Snapshot } from '../session';

/** Gives the findings to show now out of all there are. */
export type Select = (path: Path, findings: readonly Finding[], snapshot: AnalysedSnapshot) => readonly Finding[];

/** `textDocument/diagnostic`: unchanged when the client already has exactly this. */
export function documentDiagnostic(
  session: Session,
  path: Path,
  snapshot: Snapshot,
  select: Select,
  previousResultId: string | undefined,
): DocumentDiagnosticReport {
  const all = findingsOf(session, path, snapshot);
  const shown = snapshot.ok ? select(path, all, snapshot) : all;
  const failed = shown.some(({ rule }) => rule === 'analysis-incomplete');
  const resultId = snapshot.ok ? `${snapshot.id}:${shown.length}:${failed ? 1 : 0}` : 'unread';
  if (resultId === previousResultId && snapshot.ok) return { kind: 'unchanged', resultId };
  return { kind: 'full', resultId, items: diagnosticsOf(session, snapshot, shown) };
}

/** The findings of a file; a failure of ours is one of them. */
export function findingsOf(session: Session, path: Path, snapshot: Snapshot | undefined): readonly Finding[] {
  let findings: readonly Finding[] = [];
  try {
    if (snapshot?.ok) findings = snapshot.analysis.findings();
  } catch (error) {
    session.noteFailure(path, error);
  }
  const failure = session.failureOf(path);
  return failure ? [failure, ...findings] : findings;
}

/** Findings in the form the editor and the command line get: one conversion for both. */
export function diagnosticsOf(session: Session, snapshot: Snapshot, findings: readonly Finding[]): Diagnostic[] {
  if (!snapshot.ok) return findings.map((finding) => atTop(finding));
  const context = session.convertContext(snapshot.workspace);
  const { lines } = snapshot.analysis.file;
  return findings.map((finding) => toDiagnostic(finding, lines, context));
}

/** Without a readable text there is only one place to show a finding. */
function atTop(finding: Finding): Diagnostic {
  const top = { line: 0, character: 0 };
  return {
    range: { start: top, end: top },
    severity: 2,
    code: finding.rule,
    source: 'shardlens',
    message: finding.message,
  };
}
