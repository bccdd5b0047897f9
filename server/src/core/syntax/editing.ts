import type { FileEdit } from '../findings';
import type { SourceFile } from '../source';
import { insertBlockEntry, removeBlockEntry } from './edit-block';
import { insertFlowEntry, removeFlowEntry } from './edit-flow';
import { editOf, isBlank, lineIndent, ownEntries, styleOf } from './edit-text';
import { type Entry, lookup, type MappingNode, type Node, type ScalarNode } from './node';
import { Spelled, writeBlockEntry, writeFlow, writeKey, writeScalar } from './write';
import { writtenBeside, writtenLike } from './write-exponent';

/**
 * Edits that change one thing in a config and keep the rest as it is written: comments, indentation, line ends, quotes. A function
 * that cannot make its edit safely (a mapping that stands behind a YAML alias, an explicit `? key`) returns no edits.
 */

/** Writes another value in the place of a node; quotes stay as they are, and an exponent stays one. `value`: string, number, boolean, null, array or object. */
export function replaceValue(file: SourceFile, node: Node, value: unknown): FileEdit[] {
  const { text } = file;
  const style = styleOf(file);
  if (node.kind === 'scalar') {
    if (node.start === node.end)
      return [editOf(file, node.start, node.end, emptyPrefix(text, node.start) + writeFlow(value, style))];
    const newText =
      typeof value === 'string' ? writeQuotedAs(node, value, style.format) : writtenLike(node, value, style.format);
    if (newText !== undefined) return [editOf(file, node.start, node.end, newText)];
  }
  const isWide = style.format === 'json' && text.slice(0, node.end).includes('\n');
  const written = writeFlow(value, style, isWide ? lineIndent(text, node.start) : undefined);
  if (node.kind === 'scalar' || node.flow) return [editOf(file, node.start, node.end, written)];
  // The lines of a YAML block give way to one value behind their key.
  let start = node.start;
  while (start > 0 && /\s/.test(text.charAt(start - 1))) start--;
  if (text.charAt(start - 1) !== ':') {
    // Below a comment a list may stand as far left as its key; one value has to stand deeper.
    const isBelow = text.slice(start, node.start).includes('\n');
    return [editOf(file, node.start, node.end, isBelow ? style.unit + written : written)];
  }
  return [editOf(file, start, node.end, ` ${written}`)];
}

/** Takes an entry out, with its comma or its line. A comment beside it stays; so do the others' lines. */
export function removeEntry(file: SourceFile, mapping: MappingNode, entry: Entry): FileEdit[] {
  const index = ownEntries(file.text, mapping).indexOf(entry);
  if (index < 0 || losesAnchor(file, entry)) return [];
  return mapping.flow ? removeFlowEntry(file, mapping, index) : removeBlockEntry(file, mapping, index);
}

/** Adds an entry behind `after` (or behind the last one), on a line of its own where the mapping's entries have one each. */
export function insertEntry(
  file: SourceFile,
  mapping: MappingNode,
  key: string,
  value: unknown,
  options: { readonly after?: Entry } = {},
): FileEdit[] {
  const entries = ownEntries(file.text, mapping);
  if (file.text.charAt(mapping.start) === '*') return [];
  const found = options.after === undefined ? -1 : entries.indexOf(options.after);
  const index = found < 0 ? entries.length - 1 : found;
  const text = writtenBeside(mapping, value, file.tree.format);
  const written = text === undefined ? value : new Spelled(text);
  return mapping.flow
    ? insertFlowEntry(file, mapping, index, key, written)
    : insertBlockEntry(file, mapping, index, key, written);
}

/** Gives an entry another key; quotes stay. */
export function renameKey(file: SourceFile, entry: Entry, newKey: string): FileEdit[] {
  const { keyNode } = entry;
  const { format } = file.tree;
  const newText = writeQuotedAs(keyNode, newKey, format) ?? writeKey(newKey, format);
  return [editOf(file, keyNode.start, keyNode.end, newText)];
}

/**
 * Sets the value at a dotted path, `zero_optimization.offload_optimizer.device` (or at its parts, where a key has a dot in it): replaces the value that is there, or adds what is
 * missing of the path. A parent that is no mapping is replaced. `root` undefined: the file is empty and gets its first entry.
 */
export function setPath(
  file: SourceFile,
  root: MappingNode | undefined,
  path: string | readonly string[],
  value: unknown,
): FileEdit[] {
  const parts = typeof path === 'string' ? path.split('.') : path;
  if (root === undefined) return isBlank(file.text) ? writeFirstEntry(file, nest(parts, value)) : [];
  let mapping = root;
  for (let i = 0; i < parts.length; i++) {
    const key = parts[i] ?? '';
    const rest = nest(parts.slice(i + 1), value);
    const entry = lookup(mapping, key);
    if (entry === undefined) return insertEntry(file, mapping, key, rest);
    if (!ownEntries(file.text, mapping).includes(entry)) return insertEntry(file, mapping, key, rest);
    const node = entry.value;
    if (node === undefined) return [];
    if (i === parts.length - 1 || node.kind !== 'mapping') return replaceValue(file, node, rest);
    mapping = node;
  }
  return [];
}

function nest(parts: readonly string[], value: unknown): unknown {
  return parts.reduceRight<unknown>((inner, part) => ({ [part]: inner }), value);
}

function writeFirstEntry(file: SourceFile, value: unknown): FileEdit[] {
  const style = styleOf(file);
  if (style.format === 'json')
    return [editOf(file, 0, file.text.length, `${writeFlow(value, style, '')}${style.newline}`)];
  const lines = Object.entries(value as Record<string, unknown>).map(([key, item]) =>
    writeBlockEntry(key, item, style, ''),
  );
  return [editOf(file, 0, file.text.length, `${lines.join(style.newline)}${style.newline}`)];
}

/** The text in the quotes that the node has; undefined where it has none of its own or they cannot hold the text. */
function writeQuotedAs(node: ScalarNode, value: string, format: 'json' | 'yaml'): string | undefined {
  if (node.style === 'double') return writeScalar(value, 'json');
  if (node.style === 'single' && !/['\\\n\r\t]/.test(value) && (format === 'yaml' || node.raw.startsWith("'")))
    return `'${value}'`;
  return undefined;
}

/** What has to stand before a value that takes the place of nothing: `key:` and `-` need a space, a bare flow key a colon. */
function emptyPrefix(text: string, at: number): string {
  const before = text.charAt(at - 1);
  if (before === ' ' || before === '\t') return '';
  return before === ':' || before === '-' || before === ',' || before === '[' ? ' ' : ': ';
}

/** True when other places in the file name an anchor that stands in this entry. */
function losesAnchor(file: SourceFile, entry: Entry): boolean {
  if (file.tree.format !== 'yaml') return false;
  for (const match of file.text.slice(entry.start, entry.end).matchAll(/&([^\s,[\]{}]+)/g)) {
    if (file.text.includes(`*${match[1]}`)) return true;
  }
  return false;
}
