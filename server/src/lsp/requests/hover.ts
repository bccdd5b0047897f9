import type { Hover } from 'vscode-languageserver-protocol';
import { hover } from '../../core/features/hover';
import { toRange } from '../convert';
import type { AnalysedSnapshot, Session } from '../session';
import { largestOf } from './what-if';

/** `textDocument/hover`: what a key means, and what it comes to here. */
export function hoverAt(session: Session, snapshot: AnalysedSnapshot, offset: number): Hover | null {
  const { analysis } = snapshot;
  const found = hover(analysis, offset, session.core.catalogs, () => largestOf(session, snapshot));
  if (!found) return null;
  return {
    contents: { kind: 'markdown', value: found.markdown },
    range: toRange(analysis.file.lines, found.start, found.end),
  };
}
