import type { ScalarNode } from '../node';
import type { Cursor } from './cursor';
import { refused, textNode } from './scalars';
import { CARRIAGE_RETURN, SPACE, TAB } from './units';

/**
 * The text of lines behind a `|` or `|-`, which stand deeper than the block around them at `outer`. Refused are the other headers,
 * blank lines before the text, and lines of spaces only, whose share in the text depends on where they stand.
 */
export function readLiteral(cursor: Cursor, outer: number): ScalarNode {
  const { text, at: start } = cursor;
  const isStripped = text.startsWith('-', start + 1);
  cursor.at += isStripped ? 2 : 1;
  cursor.skipSpaces();
  const first = text.indexOf('\n', cursor.at) + 1;
  if (first === 0 || !cursor.isAtLineEnd()) return refused(cursor);
  const indent = spacesAt(text, first, text.length);
  if (indent === 0 || indent <= outer) return refused(cursor);
  const lines = linesOf(text, first, indent);
  if (lines === undefined) return refused(cursor);
  const { parts, end, next } = lines;
  const isCutOff = end === text.length;
  if (!cursor.beginLine(next)) cursor.nextLine();
  return textNode(start, end, text.slice(start, end), 'block', parts.join('\n') + (isStripped || isCutOff ? '' : '\n'));
}

interface Lines {
  readonly parts: readonly string[];
  /** End of the last line that is not empty. */
  readonly end: number;
  /** Start of the first line behind the text. */
  readonly next: number;
}

/** The lines from `first` on, without their indentation, up to one that stands less deep. */
function linesOf(text: string, first: number, indent: number): Lines | undefined {
  const parts: string[] = [];
  let count = 0;
  let end = first;
  let next = first;
  while (next < text.length) {
    const newline = text.indexOf('\n', next);
    const behind = newline < 0 ? text.length : newline;
    const lineEnd = newline > next && text.charCodeAt(newline - 1) === CARRIAGE_RETURN ? newline - 1 : behind;
    const spaces = spacesAt(text, next, lineEnd);
    if (next + spaces === lineEnd) {
      if (spaces > 0) return undefined;
      parts.push('');
    } else {
      if (spaces < indent) break;
      if (hasOddUnit(text, next + spaces, lineEnd)) return undefined;
      parts.push(text.slice(next + indent, lineEnd));
      count = parts.length;
      end = lineEnd;
    }
    next = behind + 1;
  }
  parts.length = count;
  return count === 0 ? undefined : { parts, end, next };
}

/** A tab or a `\r` within a line. */
function hasOddUnit(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const unit = text.charCodeAt(at);
    if (unit === TAB || unit === CARRIAGE_RETURN) return true;
  }
  return false;
}

function spacesAt(text: string, start: number, end: number): number {
  let at = start;
  while (at < end && text.charCodeAt(at) === SPACE) at++;
  return at - start;
}
