import type { SourceFile } from '../source';
import { lookup, type MappingNode, type Node } from '../syntax/node';

/** The mapping at the root of a file; undefined for lists, scalars and what could not be read. */
export function rootMapping(file: SourceFile): MappingNode | undefined {
  const { root } = file.tree;
  return root?.kind === 'mapping' ? root : undefined;
}

/** The value of a key of a mapping. */
export function valueAt(mapping: MappingNode, key: string): Node | undefined {
  return lookup(mapping, key)?.value;
}

/** Whether a key is written in a mapping, with or without a value. */
export function hasKey(mapping: MappingNode, key: string): boolean {
  return lookup(mapping, key) !== undefined;
}

/** The mapping under a key; undefined for any other value. */
export function mappingAt(mapping: MappingNode, key: string): MappingNode | undefined {
  const value = valueAt(mapping, key);
  return value?.kind === 'mapping' ? value : undefined;
}

/** The text of a key's value; undefined for other types, templates and blank texts. */
export function textAt(mapping: MappingNode, key: string): string | undefined {
  const value = valueAt(mapping, key);
  if (value?.kind !== 'scalar' || value.templated || value.scalar.type !== 'string') return undefined;
  return value.scalar.value.trim() === '' ? undefined : value.scalar.value;
}

/** The keys of a mapping that are in a set, in the order written. */
export function keysIn(mapping: MappingNode, names: ReadonlySet<string>): readonly string[] {
  const found: string[] = [];
  for (const entry of mapping.entries) if (names.has(entry.key)) found.push(entry.key);
  return found;
}

/** "has `a`, `b` and 3 more of its keys". */
export function becauseOf(found: readonly string[], rest: number, what: string): string {
  const named = found.slice(0, 2).map((key) => `\`${key}\``);
  const more = found.length - named.length + rest;
  if (more <= 0) return `has ${named.join(' and ')}`;
  return `has ${named.join(', ')} and ${more} more ${what}`;
}
