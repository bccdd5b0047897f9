import type { Known, Origin } from './run/known';
import type { Config } from './source';
import { type Entry, lookup, type MappingNode, type Node, type Scalar } from './syntax/node';

/** One key of a config with its value, place and owner. What rules look at and report on. */
export interface Setting {
  readonly config: Config;
  /** Dotted path inside its config, as `zero_optimization.stage`. */
  readonly path: string;
  readonly entry: Entry;
  readonly node: Node | undefined;
}

/** The setting at a dotted path, or undefined where a part is missing or is not a mapping. */
export function setting(config: Config, path: string): Setting | undefined {
  let mapping: MappingNode = config.root;
  let start = 0;
  // Walked by hand: this runs some two hundred times for every keystroke.
  for (;;) {
    const dot = path.indexOf('.', start);
    const entry = lookup(mapping, dot < 0 ? path.slice(start) : path.slice(start, dot));
    if (!entry) return undefined;
    if (dot < 0) return { config, path, entry, node: entry.value };
    if (entry.value?.kind !== 'mapping') return undefined;
    mapping = entry.value;
    start = dot + 1;
  }
}

/** Where a setting stands, for {@link Known} values. */
export function originOf(s: Setting): Origin {
  const node = s.node ?? s.entry.keyNode;
  return { kind: 'file', path: s.config.file.path, start: node.start, end: node.end, key: s.path };
}

/** The scalar of a setting; undefined for mappings, sequences, missing and templated values, which prove nothing. */
export function scalarOf(s: Setting | undefined): Scalar | undefined {
  if (s?.node?.kind !== 'scalar' || s.node.templated) return undefined;
  return s.node.scalar;
}

/** A number as Python's int/float (not a string that looks like one, not a boolean). */
export function numberOf(s: Setting | undefined): number | undefined {
  const scalar = scalarOf(s);
  return scalar?.type === 'int' || scalar?.type === 'float' ? scalar.value : undefined;
}

/** The text of a setting; undefined for any other type. */
export function stringOf(s: Setting | undefined): string | undefined {
  const scalar = scalarOf(s);
  return scalar?.type === 'string' ? scalar.value : undefined;
}

/** The value of a setting that is written as true or false; undefined for any other type, also for the texts "true" and "false". */
export function booleanOf(s: Setting | undefined): boolean | undefined {
  const scalar = scalarOf(s);
  return scalar?.type === 'bool' ? scalar.value : undefined;
}

/** True for the string "auto". */
export function isAuto(s: Setting | undefined): boolean {
  return stringOf(s) === 'auto';
}

/** True where a template engine or the shell fills the value later. */
export function isTemplated(s: Setting | undefined): boolean {
  return s?.node?.kind === 'scalar' && s.node.templated;
}
