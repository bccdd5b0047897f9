import type { FileEdit } from '../findings';
import type { Path, SourceFile, Workspace } from '../source';
import { removeEntry, setPath } from '../syntax/editing';
import { lookup, type MappingNode } from '../syntax/node';
import { parseSource } from '../syntax/parse';
import { toPlain } from '../syntax/plain';
import { editsBetween } from '../text/diff';
import { applyEdits, type TextEdit } from '../text/edit';
import type { Move, Write } from './move';

/** A value of a key before and after the writes; undefined where the key is not there. */
export interface Change {
  readonly path: Path;
  readonly key: string;
  readonly from: unknown;
  readonly to: unknown;
}

export interface Written {
  /** The files as they read afterwards. */
  readonly sources: ReadonlyMap<Path, SourceFile>;
  readonly changes: readonly Change[];
}

/**
 * Makes the writes one after the other, each on what the last one left, so that neighbours never collide. Undefined where one
 * cannot be made without harm (a value behind a YAML alias), or the file cannot be read.
 */
export function makeWrites(workspace: Workspace, writes: readonly Write[]): Written | undefined {
  const sources = new Map<Path, SourceFile>();
  const changes: Change[] = [];
  const inScripts = writes.filter((write) => write.at !== undefined);
  if (inScripts.length > 0 && !writeScripts(workspace, inScripts, sources, changes)) return undefined;
  for (const { path, key, value, at } of writes) {
    if (at) continue;
    const file = sources.get(path) ?? workspace.source(path);
    const root = file?.tree.root;
    if (!file || root?.kind !== 'mapping') return undefined;
    const from = plainAt(file, root, key);
    if (from === value) continue;
    const edits = value === undefined ? removal(file, root, key) : setPath(file, root, key, value);
    if (edits.length === 0) return undefined;
    sources.set(path, parseSource(path, applyEdits(file.text, edits)));
    changes.push({ path, key, from, to: value });
  }
  return { sources, changes };
}

/** The edits that make a move; undefined where they cannot all be made, or change nothing. */
export function editsOf(workspace: Workspace, { writes }: Pick<Move, 'writes'>): readonly FileEdit[] | undefined {
  const written = makeWrites(workspace, writes);
  return written && written.changes.length > 0 ? editsTo(workspace, written) : undefined;
}

/** The edits from the files as they are to what was written. */
export function editsTo(workspace: Workspace, { sources }: Written): readonly FileEdit[] {
  return [...sources].flatMap(([path, { text }]) =>
    editsBetween(workspace.source(path)?.text ?? '', text).map((edit) => ({ path, ...edit })),
  );
}

/** Flags of launch lines: their places count in the script as it is, so a script is written in one go. */
function writeScripts(
  workspace: Workspace,
  writes: readonly Write[],
  sources: Map<Path, SourceFile>,
  changes: Change[],
): boolean {
  for (const path of new Set(writes.map((write) => write.path))) {
    const result = workspace.read(path);
    if (!result.ok) return false;
    const edits: TextEdit[] = [];
    for (const { key, value, at, path: script } of writes) {
      if (script !== path || !at) continue;
      const old = result.text.slice(at.start, at.end);
      const flag = at.isAssigned ? writtenValue(old, value) : writtenFlag(old, key, value);
      if (flag === undefined) return false;
      if (flag.newText === old) continue;
      // The space in front of a flag goes with it.
      const gap = value === undefined ? (/[ \t]*$/.exec(result.text.slice(0, at.start))?.[0].length ?? 0) : 0;
      edits.push({ start: at.start - gap, end: at.end, newText: flag.newText });
      changes.push({ path, key, from: flag.from, to: value });
    }
    edits.sort((a, b) => a.start - b.start);
    if (edits.length > 0) sources.set(path, parseSource(path, applyEdits(result.text, edits)));
  }
  return true;
}

/** The value of an assignment as it then reads, in the quotes that it has. */
function writtenValue(old: string, value: unknown): { newText: string; from: unknown } | undefined {
  const [, quote = '', from = ''] = /^(["']?)(.*)\1$/s.exec(old) ?? [];
  const text = wordOf(value);
  if (text === undefined) return undefined;
  const quotes = quote === '' && (text.includes(' ') || text === '') ? '"' : quote;
  return { newText: `${quotes}${text}${quotes}`, from };
}

/** A value as a word of a shell script; undefined where it is no plain one. */
function wordOf(value: unknown): string | undefined {
  const text = value === true ? 'True' : value === false ? 'False' : String(value);
  return /^[\w./:+ -]*$/.test(text) ? text : undefined;
}

/** `--flag value` as it then reads, with what stood there; undefined where the value is no plain word. */
function writtenFlag(old: string, key: string, value: unknown): { newText: string; from: unknown } | undefined {
  const parts = /^(--?[\w.-]+)(?:(=|(?:\s|\\\r?\n)+)([\s\S]+))?$/.exec(old);
  const text = wordOf(value);
  if (text === undefined) return undefined;
  const quoted = text.includes(' ') || text === '' ? `"${text}"` : text;
  const from = parts ? (parts[3]?.replace(/^(["'])(.*)\1$/, '$2') ?? true) : undefined;
  if (value === undefined) return { newText: '', from };
  if (!parts) return old === '' ? { newText: ` ${key} ${quoted}`, from } : undefined;
  return { newText: `${parts[1]}${parts[2] ?? ' '}${quoted}`, from };
}

function plainAt(file: SourceFile, root: MappingNode, key: string): unknown {
  let mapping = root;
  const parts = key.split('.');
  for (const [index, part] of parts.entries()) {
    const value = lookup(mapping, part)?.value;
    if (index === parts.length - 1) return value && toPlain(value, file.tree.format);
    if (value?.kind !== 'mapping') return undefined;
    mapping = value;
  }
  return undefined;
}

function removal(file: SourceFile, root: MappingNode, key: string): ReturnType<typeof removeEntry> {
  let mapping = root;
  const parts = key.split('.');
  for (const [index, part] of parts.entries()) {
    const entry = lookup(mapping, part);
    if (!entry) return [];
    if (index === parts.length - 1) return removeEntry(file, mapping, entry);
    if (entry.value?.kind !== 'mapping') return [];
    mapping = entry.value;
  }
  return [];
}
