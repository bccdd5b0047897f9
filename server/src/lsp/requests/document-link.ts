import type { DocumentLink, LocationLink } from 'vscode-languageserver-protocol';
import { linkAt, links } from '../../core/features/links';
import { toRange, uriFor } from '../convert';
import type { AnalysedSnapshot, Session } from '../session';

/** `textDocument/documentLink`: the files that settings name, where they were found. */
export function documentLinks(session: Session, { analysis, workspace }: AnalysedSnapshot): DocumentLink[] {
  const context = session.convertContext(workspace);
  return links(analysis).map((link) => ({
    range: toRange(analysis.file.lines, link.start, link.end),
    target: uriFor(link.target, context),
    tooltip: link.tooltip,
  }));
}

/** `textDocument/definition`: from a file name to the file. */
export function definition(
  session: Session,
  { analysis, workspace }: AnalysedSnapshot,
  offset: number,
): LocationLink[] {
  const link = linkAt(analysis, offset);
  if (!link) return [];
  const top = { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } };
  return [
    {
      originSelectionRange: toRange(analysis.file.lines, link.start, link.end),
      targetUri: uriFor(link.target, session.convertContext(workspace)),
      targetRange: top,
      targetSelectionRange: top,
    },
  ];
}
