import type { Scalar, ScalarNode } from './node';

/** A scalar of the tree; a function of positions, so that every reader writes its fields in one order. */
export function scalarNode(
  start: number,
  end: number,
  raw: string,
  style: ScalarNode['style'],
  scalar: Scalar,
  templated: boolean,
): ScalarNode {
  return { kind: 'scalar', start, end, raw, style, scalar, templated };
}
