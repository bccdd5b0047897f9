import type { Diagnostic, TextDocument } from 'vscode';
import { workspace } from 'vscode';
import type { Middleware } from 'vscode-languageclient/node';

/** Rules about syntax that VS Code's own JSON support already underlines. */
const SHOWN_BY_VSCODE = new Set(['broken-syntax']);

/**
 * What the client leaves out of what the server says: a syntax error in JSON, which VS Code shows already. The command
 * line has nobody else to say it, so the server reports it.
 */
export const calm: Middleware = {
  handleDiagnostics: (uri, diagnostics, next) => {
    const document = workspace.textDocuments.find((open) => open.uri.toString() === uri.toString());
    next(uri, document ? withoutRepeats(document, diagnostics) : diagnostics);
  },
  provideDiagnostics: async (document, previousResultId, token, next) => {
    const report = await next(document, previousResultId, token);
    if (!report || !('items' in report) || !('getText' in document)) return report;
    return { ...report, items: withoutRepeats(document, report.items) };
  },
};

function withoutRepeats(document: TextDocument, diagnostics: readonly Diagnostic[]): Diagnostic[] {
  if (!document.languageId.startsWith('json')) return [...diagnostics];
  return diagnostics.filter(({ code }) => !SHOWN_BY_VSCODE.has(codeOf(code)));
}

function codeOf(code: Diagnostic['code']): string {
  return String(typeof code === 'object' ? code.value : code);
}
