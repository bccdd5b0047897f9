import type { FileEdit } from '../findings';
import type { SourceFile } from '../source';
import { editOf, isBlank, lineEnd, lineStart, nextLine, ownEntries, styleOf } from './edit-text';
import type { Entry, MappingNode } from './node';
import { writeBlockEntry } from './write';

/** Edits in mappings that are written as YAML lines. */

/** Removes an entry with its lines; no edits where that cannot be done safely. */
export function removeBlockEntry(file: SourceFile, mapping: MappingNode, index: number): FileEdit[] {
  const { text } = file;
  const entry = mapping.entries.length > 0 ? ownEntries(text, mapping)[index] : undefined;
  if (entry === undefined || isExplicit(text, entry)) return [];
  // A mapping that loses its last entry would become null.
  if (mapping.entries.length === 1) return [editOf(file, entry.start, entry.end, '{}')];
  const first = lineStart(text, entry.start);
  const rest = text.slice(entry.end, lineEnd(text, entry.end));
  if (isBlank(text.slice(first, entry.start))) {
    if (!isBlank(rest)) return [editOf(file, entry.start, entry.end + leadingSpaces(rest), '')];
    return [removeWholeLines(file, first, entry.end)];
  }
  // `- a: 1` with more keys below: the next key moves up to the dash, unless a comment stands between.
  const next = ownEntries(text, mapping)[index + 1];
  const between = next === undefined ? '#' : text.slice(entry.end, next.start);
  if (next !== undefined && isBlank(between)) return [editOf(file, entry.start, next.start, '')];
  return [editOf(file, entry.start, entry.end, '')];
}

function removeWholeLines(file: SourceFile, first: number, end: number): FileEdit {
  const { text } = file;
  if (lineEnd(text, end) < text.length) return editOf(file, first, nextLine(text, end), '');
  // The last line has no line end: the one before it goes, so that the file still ends as it did.
  let start = first;
  if (text.charCodeAt(start - 1) === 10) start--;
  if (text.charCodeAt(start - 1) === 13) start--;
  return editOf(file, start, text.length, '');
}

function leadingSpaces(text: string): number {
  return text.length - text.trimStart().length;
}

function isExplicit(text: string, entry: Entry): boolean {
  return /\?\s+$/.test(text.slice(lineStart(text, entry.start), entry.start));
}

/** Inserts an entry behind the one at `index`; no edits where that cannot be done safely. */
export function insertBlockEntry(
  file: SourceFile,
  mapping: MappingNode,
  index: number,
  key: string,
  value: unknown,
): FileEdit[] {
  const { text } = file;
  const entries = ownEntries(text, mapping);
  const anchor = entries[index];
  const first = entries[0];
  if (anchor === undefined || first === undefined || isExplicit(text, anchor)) return [];
  const style = styleOf(file);
  const indent = ' '.repeat(first.start - lineStart(text, first.start));
  const written = writeBlockEntry(key, value, style, indent);
  const at = lineEnd(text, endOfValue(text, anchor));
  return [editOf(file, at, at, `${style.newline}${indent}${written}`)];
}

/** Blank lines behind a block text that keeps them (`|+`) belong to it. */
function endOfValue(text: string, entry: Entry): number {
  let node = entry.value;
  while (node !== undefined && node.kind !== 'scalar') {
    node = node.kind === 'sequence' ? node.items[node.items.length - 1] : node.entries[node.entries.length - 1]?.value;
  }
  if (node?.style !== 'block' || !/^[|>][0-9]?\+/.test(node.raw)) return entry.end;
  let end = entry.end;
  for (let next = nextLine(text, end); next < text.length && isBlank(text.slice(next, lineEnd(text, next))); ) {
    end = next;
    if (lineEnd(text, next) >= text.length) break;
    next = nextLine(text, next);
  }
  return end;
}
