import type { Command, Diagnostic, TextDocument } from 'vscode';
import { CodeAction, CodeActionKind, Uri, workspace } from 'vscode';
import type { Middleware } from 'vscode-languageclient/node';

/** Rules about syntax that VS Code's own JSON support already underlines. */
const SHOWN_BY_VSCODE = new Set(['broken-syntax']);

/** Shows a rule's page; not in the palette, since a finding names the rule. */
export const EXPLAIN_RULE = 'shardlens.explainRule';

/** A finding that stands for no rule. */
const WITHOUT_PAGE = 'analysis-incomplete';

/**
 * What the client changes in what the server says. It leaves out a syntax error in JSON, which VS Code shows already; the command line
 * has nobody else to say it, so the server reports it. And it makes each finding's rule a link to the rule's page, which the server
 * holds: an address on the web would be dead without a network.
 */
export const calm: Middleware = {
  handleDiagnostics: (uri, diagnostics, next) => {
    const document = workspace.textDocuments.find((open) => open.uri.toString() === uri.toString());
    next(uri, (document ? withoutRepeats(document, diagnostics) : diagnostics).map(withPage));
  },
  provideDiagnostics: async (document, previousResultId, token, next) => {
    const report = await next(document, previousResultId, token);
    if (!report || !('items' in report)) return report;
    const items = 'getText' in document ? withoutRepeats(document, report.items) : report.items;
    return { ...report, items: items.map(withPage) };
  },
  provideCodeActions: async (document, range, context, token, next) => {
    const actions = (await next(document, range, context, token)) ?? [];
    const found = context.diagnostics.filter(({ code }) => FITTED.has(codeOf(code)));
    const wants = !context.only || context.only.intersects(CodeActionKind.QuickFix);
    if (found.length === 0 || !wants) return actions;
    // With the edits that mend, above those that only silence.
    const mends = actions.filter(({ title }) => !SILENCES.test(title)).map(previewed);
    return [...mends, search(document, found), ...actions.filter(({ title }) => SILENCES.test(title))];
  },
};

/** The ends of the titles that core/silence/actions.ts gives. */
const SILENCES = / \((?:comment|shardlens\.json)\)$/;

/** Makes the edit of a fix once the user has seen it; not in the palette, since a fix names the edit. */
export const APPLY_WITH_PREVIEW = 'shardlens.applyWithPreview';

/** Each fix of such a finding trades something away, in several files at times: it is shown before it is made. */
function previewed(action: CodeAction | Command): CodeAction | Command {
  if (!('edit' in action) || !action.edit || action.isPreferred === true) return action;
  if (!action.diagnostics?.some(({ code }) => FITTED.has(codeOf(code)))) return action;
  const shown = new CodeAction(action.title, action.kind);
  shown.diagnostics = action.diagnostics;
  shown.command = { title: action.title, command: APPLY_WITH_PREVIEW, arguments: [action.edit, action.title] };
  return shown;
}

/** Findings that a search over several changes may mend better than one edit does. */
const FITTED = new Set([
  'memory-does-not-fit',
  'memory-too-close',
  'host-memory-does-not-fit',
  'eval-decides-memory',
  'save-decides-memory',
  'offload-not-needed',
  'full-shard-over-slow-network',
  'tensor-parallel-crosses-nodes',
  'tensor-parallel-on-slow-link',
  'context-parallel-crosses-nodes',
]);

/** The same search as that of the line above the config; what it finds is shown before it is made. */
function search(document: TextDocument, diagnostics: Diagnostic[]): CodeAction {
  const action = new CodeAction('Search for edits that make it fit, or faster…', CodeActionKind.QuickFix);
  action.command = { title: action.title, command: 'shardlens.makeItFit', arguments: [document.uri.toString()] };
  action.diagnostics = diagnostics;
  return action;
}

function withoutRepeats(document: TextDocument, diagnostics: readonly Diagnostic[]): Diagnostic[] {
  if (!document.languageId.startsWith('json')) return [...diagnostics];
  return diagnostics.filter(({ code }) => !SHOWN_BY_VSCODE.has(codeOf(code)));
}

function withPage(diagnostic: Diagnostic): Diagnostic {
  const rule = codeOf(diagnostic.code);
  if (rule === WITHOUT_PAGE) return diagnostic;
  const target = Uri.from({ scheme: 'command', path: EXPLAIN_RULE, query: JSON.stringify([rule]) });
  diagnostic.code = { value: rule, target };
  return diagnostic;
}

function codeOf(code: Diagnostic['code']): string {
  return String(typeof code === 'object' ? code.value : code);
}
