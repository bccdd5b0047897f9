import type { FileEdit } from '../findings';
import type { Path, SourceFile, Workspace } from '../source';
import { removeEntry, setPath } from '../syntax/editing';
import { lookup, type MappingNode } from '../syntax/node';
import { parseSource } from '../syntax/parse';
import { toPlain } from '../syntax/plain';
import { editsBetween } from '../text/diff';
import { applyEdits } from '../text/edit';
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
  for (const { path, key, value } of writes) {
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

/** The edits that make the moves together; undefined where they cannot all be made, or change nothing. */
export function editsOf(workspace: Workspace, moves: readonly Move[]): readonly FileEdit[] | undefined {
  const written = makeWrites(
    workspace,
    moves.flatMap(({ writes }) => writes),
  );
  return written && written.changes.length > 0 ? editsTo(workspace, written) : undefined;
}

/** The edits from the files as they are to what was written. */
export function editsTo(workspace: Workspace, { sources }: Written): readonly FileEdit[] {
  return [...sources].flatMap(([path, { text }]) =>
    editsBetween(workspace.source(path)?.text ?? '', text).map((edit) => ({ path, ...edit })),
  );
}

/** The workspace with some files replaced by their changed form. */
export function withSources(workspace: Workspace, sources: ReadonlyMap<Path, SourceFile>): Workspace {
  return {
    roots: workspace.roots,
    read(path) {
      const changed = sources.get(path);
      return changed ? { ok: true, text: changed.text } : workspace.read(path);
    },
    source: (path) => sources.get(path) ?? workspace.source(path),
    list: (folder) => workspace.list(folder),
  };
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
