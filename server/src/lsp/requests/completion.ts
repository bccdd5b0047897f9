import type { CompletionItem, CompletionItemKind, CompletionList } from 'vscode-languageserver-protocol';
import { type CompletionItem as Candidate, completion } from '../../core/features/completion';
import { parseSource } from '../../core/syntax/parse';
import { toRange } from '../convert';
import type { AnalysedSnapshot, Session } from '../session';
import { estimateOfText } from './what-if';

const KINDS = { key: 10, section: 9, value: 12 } as const satisfies Record<Candidate['kind'], CompletionItemKind>;

/** LSP's InsertTextFormat.Snippet and PlainText. */
const SNIPPET = 2;
const PLAIN = 1;

/** `textDocument/completion`: keys that are missing, values that are possible. */
export function completionItems(session: Session, snapshot: AnalysedSnapshot, offset: number): CompletionList {
  const { analysis } = snapshot;
  const { lines } = analysis.file;
  const { snippets } = session.abilities;
  const estimateOf = (text: string) =>
    estimateOfText(session, snapshot, parseSource(snapshot.analysis.file.path, text));
  const items = completion(analysis, offset, session.core.catalogs, estimateOf).map(
    (candidate): CompletionItem => ({
      label: candidate.label,
      kind: KINDS[candidate.kind],
      ...(candidate.detail === '' ? {} : { detail: candidate.detail }),
      ...(candidate.effect === '' ? {} : { labelDetails: { description: candidate.effect } }),
      documentation: { kind: 'markdown', value: candidate.documentation },
      filterText: candidate.filterText,
      sortText: candidate.sortText,
      insertTextFormat: snippets ? SNIPPET : PLAIN,
      textEdit: {
        range: toRange(lines, candidate.start, candidate.end),
        newText: snippets ? candidate.insertText : plain(candidate.insertText),
      },
      additionalTextEdits: candidate.additionalEdits.map((edit) => ({
        range: toRange(lines, edit.start, edit.end),
        newText: edit.newText,
      })),
    }),
  );
  return { isIncomplete: false, items };
}

/** A snippet as text, each place to fill in with its first proposal, for clients that have no snippets. */
export function plain(snippet: string): string {
  return snippet
    .replace(/\$\{\d+\|((?:\\.|[^\\|])*)\|\}/g, (_, choices: string) => /^(?:\\.|[^\\,])*/.exec(choices)?.[0] ?? '')
    .replace(/\$\{\d+:((?:\\.|[^\\}])*)\}/g, '$1')
    .replace(/(?<!\\)\$(?:\d+|\{\d+\})/g, '')
    .replace(/\\([\\$},|])/g, '$1');
}
