import type { Entry, ScalarNode } from './node';
import { isTemplated } from './template';

/** A piece of text that is not finished, and is left out so that the lines around it keep their meaning. */
export interface HalfTyped {
  readonly start: number;
  /** End of its first line. */
  readonly end: number;
  readonly message: string;
  /** Start of the key beside which it stands or, for a value, whose value it is; -1 where it belongs to no mapping. */
  readonly anchor: number;
  /** Set for an entry: the key as typed. A value has none. */
  readonly key: TypedKey | undefined;
}

export interface TypedKey {
  readonly start: number;
  readonly end: number;
  /** As written, an opening quote included. */
  readonly raw: string;
  readonly text: string;
}

/** Pieces by the key beside which they stand. */
export function byAnchor(left: readonly HalfTyped[]): ReadonlyMap<number, readonly HalfTyped[]> {
  const pieces = new Map<number, HalfTyped[]>();
  for (const piece of left) {
    const others = pieces.get(piece.anchor);
    if (others === undefined) pieces.set(piece.anchor, [piece]);
    else others.push(piece);
  }
  return pieces;
}

/** The entries of a mapping with the half-typed ones that stand among them, in the order of the text. */
export function withHalfTyped(
  entries: readonly Entry[],
  left: ReadonlyMap<number, readonly HalfTyped[]>,
): readonly Entry[] {
  const typed: Entry[] = [];
  for (const entry of entries) {
    for (const { key } of left.get(entry.start) ?? []) if (key !== undefined) typed.push(entryWithoutValue(key));
  }
  return typed.length === 0 ? entries : [...entries, ...typed].sort((a, b) => a.start - b.start);
}

function entryWithoutValue({ start, end, raw, text }: TypedKey): Entry {
  const style = raw.startsWith('"') ? 'double' : raw.startsWith("'") ? 'single' : 'plain';
  const scalar = { type: 'string', value: text } as const;
  const keyNode: ScalarNode = { kind: 'scalar', start, end, raw, style, scalar, templated: isTemplated(raw) };
  return { start, end, key: text, keyNode, value: undefined };
}
