import type { Node, Scalar } from '../../../server/src/core/syntax/node';
import { pythonFloatText } from '../../../server/src/core/syntax/python-scalar';

/** A Python value as the oracle script writes it down: its type and its text. */
export type PythonValue =
  | { readonly str: string }
  | { readonly int: string }
  | { readonly float: string }
  | { readonly bool: boolean }
  | { readonly null: true }
  | { readonly seq: readonly PythonValue[] }
  | { readonly map: readonly (readonly [PythonValue, PythonValue])[] }
  | { readonly other: string }
  | { readonly error: string };

/** The tree in the oracle's form; the last of equal keys wins and keeps the place of the first, as in a Python dict. */
export function pythonValue(node: Node | undefined): PythonValue {
  if (node === undefined) return { null: true };
  if (node.kind === 'scalar') return scalarValue(node.scalar);
  if (node.kind === 'sequence') return { seq: node.items.map(pythonValue) };
  const pairs = new Map<string, [PythonValue, PythonValue]>();
  for (const entry of node.entries) {
    const id = `${entry.keyNode.scalar.type === 'string' ? 's' : 'o'}${keyId(entry.keyNode.scalar)}`;
    const first = pairs.get(id);
    pairs.set(id, [first?.[0] ?? scalarValue(entry.keyNode.scalar), pythonValue(entry.value)]);
  }
  return { map: [...pairs.values()] };
}

function keyId(scalar: Scalar): string {
  return typeof scalar.value === 'boolean' ? String(Number(scalar.value)) : String(scalar.value);
}

export function scalarValue(scalar: Scalar): PythonValue {
  switch (scalar.type) {
    case 'string':
      return { str: scalar.value };
    case 'int':
      return { int: BigInt(scalar.value).toString() };
    case 'float':
      return { float: pythonFloatText(scalar.value) };
    case 'bool':
      return { bool: scalar.value };
    case 'null':
      return { null: true };
  }
}

/** Integers beyond 2^53 are rounded in JavaScript, so the oracle's are rounded too before they are compared. */
export function rounded(value: PythonValue): PythonValue {
  if ('int' in value) return { int: BigInt(Number(value.int)).toString() };
  if ('seq' in value) return { seq: value.seq.map(rounded) };
  if ('map' in value) return { map: value.map.map(([k, v]) => [rounded(k), rounded(v)] as const) };
  return value;
}
