import { basename } from '../../paths';
import type { Path, SourceFile } from '../../source';
import { insertEntry, replaceValue } from '../../syntax/editing';
import { lookup, type MappingNode } from '../../syntax/node';
import { parseSource } from '../../syntax/parse';
import { applyEdits } from '../../text/edit';
import type { ImportedValue } from './draft';

/** A shardlens.json with the imported machine in it, or why it cannot be put there. */
export type Written = { readonly text: string } | { readonly problem: string };

/** What goes under `hardware` in shardlens.json: the description, with the origin of its values in its name. */
export function namedDescription(
  description: Readonly<Record<string, unknown>>,
  values: readonly ImportedValue[],
): Readonly<Record<string, unknown>> {
  const from = values.map(({ key, origin }) =>
    origin ? `${key} ${basename(origin.path)}:${origin.line}` : `${key} as said`,
  );
  return { name: `Imported: ${from.join(', ')}`, ...description };
}

/**
 * Puts a description under `hardware`, and a target of the same name that uses it. Comments, indentation and all other
 * settings stay. `text` undefined: there is no file yet.
 */
export function withTarget(
  path: Path,
  text: string | undefined,
  target: string,
  description: Readonly<Record<string, unknown>>,
): Written {
  if (text === undefined || text.trim() === '') {
    const whole = { targets: { [target]: { hardware: target } }, hardware: { [target]: description } };
    return { text: `${JSON.stringify(whole, null, 2)}\n` };
  }
  const broken = parseSource(path, text).tree.problems.find(({ kind }) => kind === 'broken' || kind === 'limit');
  if (broken) return { problem: `${basename(path)} has a syntax error; mend it first.` };
  const first = withRecord(path, text, target, description);
  return first === undefined
    ? { problem: `${basename(path)} is not an object whose \`hardware\` and \`targets\` hold named records.` }
    : { text: first };
}

function withRecord(
  path: Path,
  text: string,
  target: string,
  description: Readonly<Record<string, unknown>>,
): string | undefined {
  const recorded = setIn(path, text, 'hardware', target, () => description);
  if (recorded === undefined) return undefined;
  return setIn(path, recorded, 'targets', target, (before) => {
    // A number of the target would win over the one that was read.
    const said = ['nodes', 'gpusPerNode'].filter((key) => key in description);
    const kept = Object.entries(before).filter(([key]) => key !== 'hardware' && !said.includes(key));
    return { hardware: target, ...Object.fromEntries(kept) };
  });
}

function setIn(
  path: Path,
  text: string,
  section: string,
  name: string,
  value: (before: Readonly<Record<string, unknown>>) => unknown,
): string | undefined {
  const file = parseSource(path, text);
  const { root } = file.tree;
  if (root?.kind !== 'mapping') return undefined;
  const entry = lookup(root, section);
  if (!entry) return applied(file, insertEntry(file, root, section, { [name]: value({}) }));
  if (entry.value?.kind !== 'mapping') return undefined;
  const own = lookup(entry.value, name);
  if (!own?.value) return applied(file, insertEntry(file, entry.value, name, value({})));
  return applied(file, replaceValue(file, own.value, value(own.value.kind === 'mapping' ? scalarsOf(own.value) : {})));
}

function scalarsOf(mapping: MappingNode): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    mapping.entries.flatMap(({ key, value }) => (value?.kind === 'scalar' ? [[key, value.scalar.value]] : [])),
  );
}

function applied({ text }: SourceFile, edits: readonly { start: number; end: number; newText: string }[]): string {
  return applyEdits(text, edits);
}
