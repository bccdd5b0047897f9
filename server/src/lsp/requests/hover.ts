import type { Hover } from 'vscode-languageserver-protocol';
import { hover } from '../../core/features/hover';
import { toRange } from '../convert';
import type { AnalysedSnapshot, Session } from '../session';

/** `textDocument/hover`: what a key means, and what it comes to here. */
export function hoverAt(session: Session, { analysis }: AnalysedSnapshot, offset: number): Hover | null {
  const found = hover(analysis, offset, session.core.catalogs);
  if (!found) return null;
  return {
    contents: { kind: 'markdown', value: found.markdown },
    range: toRange(analysis.file.lines, found.start, found.end),
  };
}
