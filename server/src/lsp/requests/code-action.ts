import type { CodeAction, CodeActionParams } from 'vscode-languageserver-protocol';
import type { FileEdit, Finding, Fix } from '../../core/findings';
import { fixAll, replaceDeprecated } from '../../core/rewrite/actions';
import { confirmedFixes } from '../../core/rewrite/confirm';
import { fsdp2Rewrites } from '../../core/rewrite/fsdp2';
import { silenceFixes } from '../../core/silence/actions';
import { releaseFixes } from '../../core/silence/release';
import { FIX_ALL, REPLACE_DEPRECATED, REWRITE } from '../capabilities';
import { toCodeAction, toWorkspaceEdit } from '../convert';
import type { AnalysedSnapshot, Session } from '../session';
import { diagnosticsOf, findingsOf } from './diagnostic';

/** `textDocument/codeAction`: fixes of the findings in the range, all that can be made at once, and moves to a newer framework. */
export function codeActions(session: Session, snapshot: AnalysedSnapshot, params: CodeActionParams): CodeAction[] {
  const findings = findingsOf(session, snapshot.analysis.file.path, snapshot);
  const actions: CodeAction[] = [];
  if (wants(params, 'quickfix')) actions.push(...quickFixes(session, snapshot, params, findings));
  if (wants(params, REWRITE)) actions.push(...rewrites(session, snapshot, params));
  if (wants(params, FIX_ALL)) {
    actions.push(...whole('Fix all safe Shardlens findings', FIX_ALL, fixAll, session, snapshot));
  }
  if (wants(params, REPLACE_DEPRECATED)) {
    actions.push(...whole('Replace all deprecated keys', REPLACE_DEPRECATED, replaceDeprecated, session, snapshot));
  }
  return actions;
}

/** An `only` of `source.fixAll` asks for `source.fixAll.shardlens` too. Without one, what is shown unasked is what costs nothing. */
function wants(params: CodeActionParams, kind: string): boolean {
  const { only } = params.context;
  if (!only) return !kind.startsWith('source.') || params.context.triggerKind !== 2;
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
  const input = session.rewriteInput(workspace);
  return [
    ...actionsOf((finding) => confirmedFixes(analysis, finding, input)),
    ...actionsOf((finding) => releaseFixes(analysis, finding, workspace)),
    ...actionsOf((finding) => silenceFixes(analysis, finding, workspace)),
  ];
}

/** Rewrites of the sections that the range touches. */
function rewrites(
  session: Session,
  { analysis, workspace }: AnalysedSnapshot,
  { range }: CodeActionParams,
): CodeAction[] {
  const { lines } = analysis.file;
  const start = lines.offsetAt(range.start);
  const end = lines.offsetAt(range.end);
  return fsdp2Rewrites(analysis)
    .filter((rewrite) => rewrite.start <= end && rewrite.end >= start)
    .flatMap(({ title, edits }) => {
      const edit = toWorkspaceEdit(edits, session.convertContext(workspace));
      return edit ? [{ title, kind: REWRITE, edit }] : [];
    });
}

/** An action on the whole document; none where it would change nothing. */
function whole(
  title: string,
  kind: string,
  editsOf: typeof fixAll,
  session: Session,
  { analysis, workspace }: AnalysedSnapshot,
): CodeAction[] {
  const edits: readonly FileEdit[] = editsOf(analysis, session.rewriteInput(workspace));
  const edit = edits.length > 0 ? toWorkspaceEdit(edits, session.convertContext(workspace)) : undefined;
  return edit ? [{ title, kind, edit }] : [];
}
