import type { CodeAction, CodeActionParams } from 'vscode-languageserver-protocol';
import type { Finding, Fix } from '../../core/findings';
import { silenceFixes } from '../../core/silence/actions';
import { toCodeAction, toWorkspaceEdit } from '../convert';
import type { AnalysedSnapshot, Session } from '../session';
import { diagnosticsOf, findingsOf } from './diagnostic';

/** Kind of the action that makes every preferred fix of a document; `editor.codeActionsOnSave` can name it. */
export const FIX_ALL = 'source.fixAll.shardlens';

/** `textDocument/codeAction`: the fixes of the findings in the range, and all preferred ones as one action. */
export function codeActions(session: Session, snapshot: AnalysedSnapshot, params: CodeActionParams): CodeAction[] {
  const findings = findingsOf(session, snapshot.analysis.file.path, snapshot);
  const actions: CodeAction[] = [];
  if (wants(params, 'quickfix')) actions.push(...quickFixes(session, snapshot, params, findings));
  if (wants(params, FIX_ALL)) actions.push(...fixAll(session, snapshot, findings));
  return actions;
}

/** An `only` of `source.fixAll` asks for `source.fixAll.shardlens` too. Without one, only quick fixes are wanted. */
function wants(params: CodeActionParams, kind: string): boolean {
  const { only } = params.context;
  if (!only) return kind === 'quickfix' || params.context.triggerKind !== 2;
  return only.some((wanted) => wanted === '' || kind === wanted || kind.startsWith(`${wanted}.`));
}

function quickFixes(
  session: Session,
  snapshot: AnalysedSnapshot,
  { range }: CodeActionParams,
  findings: readonly Finding[],
): CodeAction[] {
  const { lines } = snapshot.analysis.file;
  const start = lines.offsetAt(range.start);
  const end = lines.offsetAt(range.end);
  const context = session.convertContext(snapshot.workspace);
  const found = findings
    .filter((finding) => finding.start <= end && finding.end >= start)
    .flatMap((finding) => {
      const [diagnostic] = diagnosticsOf(session, snapshot, [finding]);
      return diagnostic ? [{ finding, diagnostic }] : [];
    });
  const actionsOf = (fixesOf: (finding: Finding) => readonly Fix[]) =>
    found.flatMap(({ finding, diagnostic }) =>
      fixesOf(finding).flatMap((fix) => toCodeAction(fix, diagnostic, context) ?? []),
    );
  // What mends goes before what only silences, over all findings of the range.
  const { analysis, workspace } = snapshot;
  return [...actionsOf(({ fixes }) => fixes), ...actionsOf((finding) => silenceFixes(analysis, finding, workspace))];
}

function fixAll(session: Session, snapshot: AnalysedSnapshot, findings: readonly Finding[]): CodeAction[] {
  const fixes = preferredFixes(findings);
  if (fixes.length === 0) return [];
  const edit = toWorkspaceEdit(
    fixes.flatMap(({ edits }) => edits),
    session.convertContext(snapshot.workspace),
  );
  return edit ? [{ title: 'Fix all safe Shardlens findings', kind: FIX_ALL, edit }] : [];
}

/** Preferred fixes that can be applied together: one that touches what an earlier one changes waits for the next run. */
function preferredFixes(findings: readonly Finding[]): Fix[] {
  const taken: Fix[] = [];
  for (const { fixes } of findings) {
    const fix = fixes.find(({ preferred }) => preferred);
    if (fix && !taken.some((other) => collide(fix, other))) taken.push(fix);
  }
  return taken;
}

/** Edits that only meet at an offset collide too: their order would decide what comes out. */
function collide(a: Fix, b: Fix): boolean {
  return a.edits.some((x) => b.edits.some((y) => x.path === y.path && x.start <= y.end && y.start <= x.end));
}
