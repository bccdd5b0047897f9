import type { FileEdit } from '../findings';
import type { SourceFile } from '../source';
import type { Entry, MappingNode } from './node';
import type { WritingStyle } from './write';

/** An edit of the span `start` to `end` of a file. */
export function editOf(file: SourceFile, start: number, end: number, newText: string): FileEdit {
  return { path: file.path, start, end, newText };
}

/** The entries that stand in the mapping's own text; those that YAML's `<<` brings from elsewhere cannot be edited here. */
export function ownEntries(text: string, mapping: MappingNode): readonly Entry[] {
  if (text.charAt(mapping.start) === '*') return [];
  const isOwn = (entry: Entry): boolean => entry.start >= mapping.start && entry.end <= mapping.end;
  return mapping.entries.every(isOwn) ? mapping.entries : mapping.entries.filter(isOwn);
}

/** The style of the file, read from its first line end, its first indented line, and the first entries of its root. */
export function styleOf(file: SourceFile): WritingStyle {
  const { text, tree } = file;
  const root = tree.root;
  const newline = newlineOf(text);
  const first = root?.kind === 'mapping' ? root.entries[0] : undefined;
  const second = root?.kind === 'mapping' ? root.entries[1] : undefined;
  const colon = first?.value === undefined ? ': ' : text.slice(first.keyNode.end, first.value.start);
  const between = first === undefined || second === undefined ? ', ' : text.slice(first.end, second.start);
  const isTight = tree.format === 'json';
  return {
    format: tree.format,
    newline,
    unit: unitOf(text, tree.format),
    colon: isTight && /^ ?: ?$/.test(colon) ? colon : ': ',
    comma: isTight && between === ',' ? ',' : ', ',
  };
}

function newlineOf(text: string): WritingStyle['newline'] {
  const at = text.search(/[\r\n]/);
  if (at < 0 || text.charAt(at) === '\n') return '\n';
  return text.charAt(at + 1) === '\n' ? '\r\n' : '\r';
}

/** The white space of the first indented line that is no comment; YAML's lists are often not indented, so a dash line counts too. */
function unitOf(text: string, format: 'json' | 'yaml'): string {
  const match = /[\r\n]([ \t]+)[^\s#/*-]/.exec(text);
  const found = match?.[1];
  if (found === undefined) return format === 'yaml' ? '  ' : '    ';
  return format === 'yaml' && found.includes('\t') ? '  ' : found;
}

/** The offset of the first unit of the line that `at` is in. */
export function lineStart(text: string, at: number): number {
  let start = at;
  while (start > 0 && text.charCodeAt(start - 1) !== 10 && text.charCodeAt(start - 1) !== 13) start--;
  return start;
}

/** The offset of the line end at or after `at`, or the end of the text. */
export function lineEnd(text: string, at: number): number {
  let end = at;
  while (end < text.length && text.charCodeAt(end) !== 10 && text.charCodeAt(end) !== 13) end++;
  return end;
}

/** The offset of the next line's first unit. */
export function nextLine(text: string, at: number): number {
  const end = lineEnd(text, at);
  if (text.charCodeAt(end) === 13 && text.charCodeAt(end + 1) === 10) return end + 2;
  return Math.min(end + 1, text.length);
}

/** The white space at the start of the line that `at` is in. */
export function lineIndent(text: string, at: number): string {
  const start = lineStart(text, at);
  let end = start;
  while (text.charCodeAt(end) === 32 || text.charCodeAt(end) === 9) end++;
  return text.slice(start, end);
}

/** True for a text of white space only. */
export function isBlank(text: string): boolean {
  return /^\s*$/.test(text);
}
