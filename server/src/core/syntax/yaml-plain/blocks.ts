import type { MappingNode, Node, ScalarNode, SequenceNode } from '../node';
import { YamlEntries } from '../yaml-entries';
import { readLiteral } from './block-text';
import type { Cursor } from './cursor';
import { readFlow } from './flow';
import { isKey, takeColon } from './keys';
import { emptyNode, readText } from './scalars';
import { BAR, DASH, isBlank, OPEN_BRACE, OPEN_BRACKET } from './units';

/**
 * The value at the cursor, which knows its column; the block around it stands at `outer`, -1 for none. Like all readers of blocks
 * this one leaves the cursor at the content of the first line that is not its own. That line is in place when its column is one of
 * those still open, which each block checks for itself: whatever stands deeper than it is refused.
 */
export function readBlock(cursor: Cursor, outer: number): Node {
  const { column } = cursor;
  if (isDash(cursor)) return readSequence(cursor, column);
  if (isLiteral(cursor)) return readLiteral(cursor, outer);
  const first = readInline(cursor, outer);
  if (first.kind === 'scalar' && isKey(cursor)) return readMapping(cursor, column, first);
  cursor.endLine();
  return first;
}

/** A mapping whose first key has been read; every other one begins a line at its column. */
function readMapping(cursor: Cursor, column: number, firstKey: ScalarNode): MappingNode {
  const entries = new YamlEntries(cursor.problems);
  let keyNode = firstKey;
  let end: number;
  for (;;) {
    takeColon(cursor, keyNode);
    const value = readValue(cursor, column);
    entries.add(keyNode, value);
    end = value.end;
    if (cursor.column !== column) break;
    keyNode = readText(cursor, false);
  }
  if (cursor.column > column) cursor.refuse();
  return { kind: 'mapping', start: firstKey.start, end, entries: entries.list, flow: false };
}

function readSequence(cursor: Cursor, column: number): SequenceNode {
  const items: Node[] = [];
  const start = cursor.at;
  let end: number;
  do {
    cursor.at++;
    const item = readItem(cursor, column);
    items.push(item);
    end = item.end;
  } while (cursor.column === column && isDash(cursor));
  if (cursor.column > column) cursor.refuse();
  return { kind: 'sequence', start, end, items, flow: false };
}

/** What stands behind a dash: a block that begins on the same line, as in `- a: 1`, or on the next one. */
function readItem(cursor: Cursor, column: number): Node {
  cursor.skipSpaces();
  if (!cursor.isAtLineEnd()) {
    cursor.beginContent();
    return readBlock(cursor, column);
  }
  const { at } = cursor;
  cursor.nextLine();
  return cursor.column > column ? readBelow(cursor, column) : emptyNode(at);
}

/** The value behind a colon: on the same line, or a block below, or nothing. A list may stand at the column of its key. */
function readValue(cursor: Cursor, column: number): Node {
  if (!cursor.isAtLineEnd()) {
    if (isLiteral(cursor)) return readLiteral(cursor, column);
    const value = readInline(cursor, column);
    cursor.endLine();
    return value;
  }
  const { at } = cursor;
  cursor.nextLine();
  if (cursor.column > column) return readBelow(cursor, column);
  return cursor.column === column && isDash(cursor) ? readSequence(cursor, column) : emptyNode(at);
}

/** The value on the lines below its key or dash. A text there is refused: how far it goes depends on the comments before it. */
function readBelow(cursor: Cursor, outer: number): Node {
  const value = readBlock(cursor, outer);
  if (value.kind === 'scalar') cursor.refuse();
  return value;
}

/** A text on one line, or brackets. */
function readInline(cursor: Cursor, outer: number): Node {
  const unit = cursor.text.charCodeAt(cursor.at);
  return unit === OPEN_BRACKET || unit === OPEN_BRACE ? readFlow(cursor, outer) : readText(cursor, false);
}

function isDash({ text, at }: Cursor): boolean {
  return at < text.length && text.charCodeAt(at) === DASH && isBlank(text, at + 1);
}

function isLiteral({ text, at }: Cursor): boolean {
  return text.charCodeAt(at) === BAR;
}
