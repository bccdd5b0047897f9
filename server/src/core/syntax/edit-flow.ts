import type { FileEdit } from '../findings';
import type { SourceFile } from '../source';
import { editOf, isBlank, lineEnd, lineIndent, lineStart, nextLine, ownEntries, styleOf } from './edit-text';
import type { Entry, MappingNode } from './node';
import { type WritingStyle, writeFlow, writeKey } from './write';

/** Edits in mappings that are written in braces: JSON, and YAML's flow style. */

/** Removes an entry with its comma, and its line where nothing else stands on it. */
export function removeFlowEntry(file: SourceFile, mapping: MappingNode, index: number): FileEdit[] {
  const { text } = file;
  const entries = ownEntries(text, mapping);
  const entry = entries[index];
  if (entry === undefined) return [];
  const inner = text.slice(mapping.start + 1, entry.start) + text.slice(entry.end, mapping.end - 1);
  if (entries.length === 1 && /^[\s,]*$/.test(inner) && text.charAt(mapping.start) === '{') {
    return [editOf(file, mapping.start + 1, mapping.end - 1, '')];
  }
  const comma = commaAfter(text, entry.end);
  if (comma >= 0) return removeWithComma(file, entry, comma);
  const before = entries[index - 1];
  const commaBefore = before === undefined ? -1 : commaAfter(text, before.end);
  // Between the last two entries there may be comments; they stay, only the comma goes.
  if (commaBefore >= 0 && isLastEntry(text, entry, mapping)) {
    if (isBlank(text.slice(commaBefore + 1, entry.start))) return [editOf(file, commaBefore, entry.end, '')];
    return [editOf(file, commaBefore, commaBefore + 1, ''), removeLines(file, entry.start, entry.end)];
  }
  return [removeLines(file, entry.start, entry.end)];
}

function removeWithComma(file: SourceFile, entry: Entry, comma: number): FileEdit[] {
  const { text } = file;
  if (isBlank(text.slice(entry.end, comma))) return [removeLines(file, entry.start, comma + 1)];
  return [editOf(file, entry.start, entry.end, ''), editOf(file, comma, comma + 1, '')];
}

/** Takes the whole lines where nothing else stands on them, else the span and the spaces behind it. */
function removeLines(file: SourceFile, start: number, end: number): FileEdit {
  const { text } = file;
  const first = lineStart(text, start);
  if (isBlank(text.slice(first, start)) && isBlank(text.slice(end, lineEnd(text, end))) && nextLine(text, end) > end) {
    return editOf(file, first, nextLine(text, end), '');
  }
  let after = end;
  while (text.charCodeAt(after) === 32 || text.charCodeAt(after) === 9) after++;
  return editOf(file, start, after, '');
}

function isLastEntry(text: string, entry: Entry, mapping: MappingNode): boolean {
  const next = skipSpaceAndComments(text, entry.end);
  return next >= mapping.end - 1 || text.charAt(next) === '}';
}

/** Inserts an entry behind the one at `index`, on the same line or on its own as its neighbours are. */
export function insertFlowEntry(
  file: SourceFile,
  mapping: MappingNode,
  index: number,
  key: string,
  value: unknown,
): FileEdit[] {
  const { text } = file;
  const entries = ownEntries(text, mapping);
  const style = flowStyle(file, entries);
  const anchor = entries[index];
  if (anchor === undefined) return insertFirst(file, mapping, key, value, style);
  const first = entries[0] ?? anchor;
  const isWide =
    isBlank(text.slice(lineStart(text, first.start), first.start)) && lineStart(text, first.start) > mapping.start;
  const indent = lineIndent(text, first.start);
  const written = writeKey(key, style.format) + style.colon + writeFlow(value, style, isWide ? indent : undefined);
  const comma = commaAfter(text, anchor.end);
  if (!isWide) {
    const at = comma >= 0 ? comma + 1 : anchor.end;
    const space = style.comma.slice(1);
    return [editOf(file, at, at, comma >= 0 ? `${space}${written},` : `,${space}${written}`)];
  }
  return insertLine(file, anchor, comma, `${style.newline}${indent}${written}`);
}

/** A new line behind the anchor's, so that a comment at the anchor's line end stays where it is. */
function insertLine(file: SourceFile, anchor: Entry, comma: number, line: string): FileEdit[] {
  const { text } = file;
  const from = comma >= 0 ? comma + 1 : anchor.end;
  const end = lineEnd(text, from);
  const rest = text.slice(from, end);
  const isFree = isBlank(rest) || (/^\s*(?:\/\/|#)/.test(rest) && end < text.length);
  const isText = anchor.value?.kind === 'scalar' && isQuoteless(anchor);
  if (comma >= 0) {
    const at = isFree ? from + rest.trimEnd().length : from;
    return [editOf(file, at, at, `${line},`)];
  }
  if (!isFree) return [editOf(file, from, from, `,${line}`)];
  const at = from + rest.trimEnd().length;
  // Hjson's text without quotes would swallow a comma; its line end separates.
  if (isText) return [editOf(file, at, at, line)];
  if (at === anchor.end) return [editOf(file, at, at, `,${line}`)];
  return [editOf(file, anchor.end, anchor.end, ','), editOf(file, at, at, line)];
}

function isQuoteless(entry: Entry): boolean {
  const node = entry.value;
  return node?.kind === 'scalar' && node.style === 'plain' && node.scalar.type === 'string' && !node.templated;
}

function insertFirst(
  file: SourceFile,
  mapping: MappingNode,
  key: string,
  value: unknown,
  style: WritingStyle,
): FileEdit[] {
  const { text } = file;
  if (text.charAt(mapping.start) !== '{') return [];
  const isWide = style.format === 'json' && (text.includes('\n') || text.includes('\r') || mapping.start === 0);
  const outer = lineIndent(text, mapping.start);
  const inner = outer + style.unit;
  const written = writeKey(key, style.format) + style.colon + writeFlow(value, style, isWide ? inner : undefined);
  const start = mapping.start + 1;
  const end = text.charAt(mapping.end - 1) === '}' ? mapping.end - 1 : start;
  if (!isBlank(text.slice(start, end))) return [editOf(file, start, start, `${style.newline}${inner}${written}`)];
  if (!isWide) return [editOf(file, start, end, written)];
  return [editOf(file, start, end, `${style.newline}${inner}${written}${style.newline}${outer}`)];
}

/** JSON written in a YAML file keeps its quotes. */
function flowStyle(file: SourceFile, entries: readonly Entry[]): WritingStyle {
  const style = styleOf(file);
  const isJsonLike =
    style.format === 'yaml' && entries.length > 0 && entries.every((e) => e.keyNode.style === 'double');
  return isJsonLike ? { ...style, format: 'json' } : style;
}

/** The offset of the comma that follows, past spaces and comments; -1 where something else comes first. */
function commaAfter(text: string, from: number): number {
  const at = skipSpaceAndComments(text, from);
  return text.charAt(at) === ',' ? at : -1;
}

function skipSpaceAndComments(text: string, from: number): number {
  let at = from;
  for (;;) {
    while (at < text.length && text.charCodeAt(at) <= 32) at++;
    if (text.charAt(at) === '#' || text.startsWith('//', at)) {
      at = lineEnd(text, at);
    } else if (text.startsWith('/*', at)) {
      const end = text.indexOf('*/', at + 2);
      at = end < 0 ? text.length : end + 2;
    } else {
      return at;
    }
  }
}
