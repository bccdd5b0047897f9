import type { ParameterGroup, ParameterKind } from './model';

/**
 * The words in which a family is written: each returns the tensors that one `torch.nn` module would own, named as in its
 * state dict. A family then reads like the `__init__` of its class.
 */
export interface Tensor {
  readonly name: string;
  /** Undefined until a surrounding {@link under} says what the tensor serves. */
  readonly kind: ParameterKind | undefined;
  readonly module: ParameterGroup['module'];
  readonly shape: readonly number[];
  /** Tensors of this name within one block, such as the linear layers of separate experts. */
  readonly count: number;
}

/** `torch.nn.Linear`: weight [outputs, inputs] and, where it has one, bias [outputs]. */
export function linear(name: string, inputs: number, outputs: number, bias = false): Tensor[] {
  return weightAndBias(name, 'linear', undefined, [outputs, inputs], bias ? outputs : undefined);
}

/** RMSNorm has a weight only; LayerNorm has a bias too. */
export function norm(name: string, width: number, bias = false): Tensor[] {
  return weightAndBias(name, 'norm', 'norm', [width], bias ? width : undefined);
}

/** A norm with weight and bias. */
export function layerNorm(name: string, width: number): Tensor[] {
  return norm(name, width, true);
}

/** A table of `rows` vectors. */
export function embedding(name: string, rows: number, width: number): Tensor[] {
  return weightAndBias(name, 'embedding', 'embedding', [rows, width], undefined);
}

/** A convolution; `shape` is its weight's, whose first number is the width of the bias. */
export function conv(name: string, shape: readonly number[], bias = true): Tensor[] {
  return weightAndBias(name, 'conv', undefined, shape, bias ? shape[0] : undefined);
}

/** A bare `torch.nn.Parameter`; `name` is the whole name. */
export function parameter(
  name: string,
  shape: readonly number[],
  module: ParameterGroup['module'] = 'other',
): Tensor[] {
  return [{ name, kind: undefined, module, shape, count: 1 }];
}

/** Puts parts inside a submodule; those that do not yet serve anything get `kind`. */
export function under(prefix: string, kind: ParameterKind | undefined, ...parts: readonly Tensor[][]): Tensor[] {
  return parts.flat().map((part) => ({
    ...part,
    name: prefix === '' ? part.name : `${prefix}.${part.name}`,
    kind: part.kind ?? kind,
  }));
}

/** Marks every part, norms included, as belonging to one tower or to the experts. */
export function all(kind: ParameterKind, parts: readonly Tensor[]): Tensor[] {
  return parts.map((part) => ({ ...part, kind }));
}

/** `torch.nn.ModuleList` of equal submodules: `experts.*.w1.weight`. */
export function repeated(name: string, count: number, parts: readonly Tensor[]): Tensor[] {
  if (count === 0) return [];
  return parts.map((part) => ({ ...part, name: `${name}.*.${part.name}`, count: part.count * count }));
}

/** Numbers in all copies of a tensor. */
export function elements(part: Tensor): number {
  let product = part.count;
  for (const side of part.shape) product *= side;
  return product;
}

function weightAndBias(
  name: string,
  module: Tensor['module'],
  kind: ParameterKind | undefined,
  shape: readonly number[],
  bias: number | undefined,
): Tensor[] {
  // Parts of a list of bare modules have no name of their own: `norms.*.weight`.
  const start = name === '' ? '' : `${name}.`;
  const weight: Tensor = { name: `${start}weight`, kind, module, shape, count: 1 };
  return bias === undefined ? [weight] : [weight, { name: `${start}bias`, kind, module, shape: [bias], count: 1 }];
}
