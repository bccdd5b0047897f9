import type { MappingNode, Node } from './node';

/** How a number with an exponent is written: `5e8`, `5.0E+08`. */
interface ExponentStyle {
  readonly mark: string;
  readonly hasPoint: boolean;
  readonly hasSign: boolean;
  /** Digits of the exponent, zeros in front included. */
  readonly digits: number;
}

/** Below this, nobody writes an exponent. */
const LEAST_LARGE = 1e4;
/** A mantissa with more digits is no easier to read. */
const MOST_DIGITS = 4;

/**
 * A number written with an exponent as the one that it takes the place of; undefined where that one has none, or it would not suit.
 * The same number is written anew because its spelling was wrong.
 */
export function writtenLike(old: Node | undefined, value: unknown, format: 'json' | 'yaml'): string | undefined {
  const style = old?.kind === 'scalar' && old.scalar.value === value ? undefined : styleIn(old);
  return style && typeof value === 'number' ? written(value, style, format) : undefined;
}

/** A large number written with an exponent where large numbers beside it are. */
export function writtenBeside(mapping: MappingNode, value: unknown, format: 'json' | 'yaml'): string | undefined {
  if (typeof value !== 'number' || Math.abs(value) < LEAST_LARGE) return undefined;
  for (const { value: node } of mapping.entries) {
    const isLarge = node?.kind === 'scalar' && isNumber(node) && Math.abs(node.scalar.value) >= LEAST_LARGE;
    const style = isLarge ? styleIn(node) : undefined;
    if (style) return written(value, style, format);
  }
  return undefined;
}

function isNumber(node: Node): node is Node & { readonly scalar: { readonly value: number } } {
  return node.kind === 'scalar' && (node.scalar.type === 'int' || node.scalar.type === 'float');
}

function styleIn(node: Node | undefined): ExponentStyle | undefined {
  if (node?.kind !== 'scalar' || !isNumber(node) || node.style !== 'plain') return undefined;
  const match = /^[+-]?\d+(\.\d*)?([eE])([+-]?)(\d+)$/.exec(node.raw);
  if (!match) return undefined;
  const [, point, mark = 'e', sign, digits = ''] = match;
  return { mark, hasPoint: point !== undefined, hasSign: sign === '+' || sign === '-', digits: digits.length };
}

/** PyYAML reads a number only where there is a point and a sign: `5e8` is a text to it (yaml/resolver.py). */
function written(value: number, style: ExponentStyle, format: 'json' | 'yaml'): string | undefined {
  const size = Math.abs(value);
  if (!Number.isFinite(value) || (size < LEAST_LARGE && size >= 1 / LEAST_LARGE) || size === 0) return undefined;
  const [mantissa = '', exponent = ''] = value.toExponential().split('e');
  if (mantissa.replace(/[-.]/g, '').length > MOST_DIGITS) return undefined;
  const hasPoint = style.hasPoint || format === 'yaml';
  const power = exponent.replace(/^[+-]/, '').padStart(style.digits, '0');
  const sign = exponent.startsWith('-') ? '-' : style.hasSign || format === 'yaml' ? '+' : '';
  return `${mantissa}${hasPoint && !mantissa.includes('.') ? '.0' : ''}${style.mark}${sign}${power}`;
}
