import type { Scalar } from './node';
import { sameKey } from './same-key';

/**
 * What PyYAML's SafeLoader makes of a plain scalar. Regular expressions and conversions are those of PyYAML 6.0.3,
 * yaml/resolver.py:170-227 and yaml/constructor.py:230-300 (YAML 1.1): `1e-4` is text because a float needs a dot and a
 * signed exponent, `no` is False, `010` is 8, `1:30` is 90.
 */
export function resolvePlain(value: string): Scalar {
  switch (value.charCodeAt(0)) {
    case 0x7e: // ~
      return value === '~' ? NULL : text(value);
    case 0x6e: // n
    case 0x4e: // N
      if (value === 'null' || value === 'Null' || value === 'NULL') return NULL;
      return resolveBool(value);
    case 0x79: // y
    case 0x59: // Y
    case 0x74: // t
    case 0x54: // T
    case 0x66: // f
    case 0x46: // F
    case 0x6f: // o
    case 0x4f: // O
      return resolveBool(value);
    default:
      if (value === '') return NULL;
      return resolveNumber(value) ?? text(value);
  }
}

const NULL: Scalar = { type: 'null', value: null };

function text(value: string): Scalar {
  return { type: 'string', value };
}

const BOOLEANS: ReadonlyMap<string, boolean> = new Map(
  [
    ['yes Yes YES true True TRUE on On ON', true],
    ['no No NO false False FALSE off Off OFF', false],
  ].flatMap(([words, value]) =>
    String(words)
      .split(' ')
      .map((word): [string, boolean] => [word, value === true]),
  ),
);

function resolveBool(value: string): Scalar {
  const bool = BOOLEANS.get(value);
  return bool === undefined ? text(value) : { type: 'bool', value: bool };
}

const FLOAT =
  /^(?:[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;
const INT =
  /^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$/;

/** PyYAML tries the float pattern first, and only for values that begin with a sign, a digit or a dot. */
function resolveNumber(value: string): Scalar | undefined {
  const first = value.charCodeAt(0);
  const isDigit = first >= 48 && first <= 57;
  if (!isDigit && first !== 45 && first !== 43 && first !== 46) return undefined;
  if (isDigit && isShortDecimal(value, first)) return { type: 'int', value: Number(value) };
  if (FLOAT.test(value)) return { type: 'float', value: pythonFloat(value) };
  if (first !== 46 && INT.test(value)) {
    const int = pythonInt(value);
    // `0x_` and `0b_` match PyYAML's pattern but its conversion raises; the text is kept so that nothing is proven by it.
    return Number.isNaN(int) ? undefined : { type: 'int', value: int };
  }
  return undefined;
}

/** Most numbers of a config are short whole ones, which need neither the patterns nor their conversion. */
function isShortDecimal(value: string, first: number): boolean {
  if (value.length > 15 || (first === 48 && value.length > 1)) return false;
  for (let at = 1; at < value.length; at++) {
    const unit = value.charCodeAt(at);
    if (unit < 48 || unit > 57) return false;
  }
  return true;
}

/** PyYAML's construct_yaml_float; also for text under an explicit `!!float`. NaN where Python's float() raises. */
export function pythonFloat(written: string): number {
  const { sign, digits } = unsigned(withoutUnderscores(written).toLowerCase());
  if (digits === '.inf') return sign * Number.POSITIVE_INFINITY;
  if (digits === '.nan') return Number.NaN;
  if (digits.includes(':')) return sign * sexagesimal(digits);
  return digits === '' ? Number.NaN : sign * Number(digits);
}

/** PyYAML's construct_yaml_int; also for text under an explicit `!!int`. NaN where Python's int() raises. */
export function pythonInt(written: string): number {
  const { sign, digits } = unsigned(withoutUnderscores(written));
  if (digits === '' || digits === '0b' || digits === '0x') return Number.NaN;
  if (digits === '0') return 0;
  const value = intOf(digits);
  return sign * value + 0;
}

function withoutUnderscores(written: string): string {
  return written.includes('_') ? written.replaceAll('_', '') : written;
}

function intOf(digits: string): number {
  if (/^0[bx]/.test(digits)) return Number(digits);
  if (digits.startsWith('0')) return Number(`0o${digits.slice(1)}`);
  if (digits.includes(':')) return sexagesimal(digits);
  return /^[0-9]+$/.test(digits) ? Number(digits) : Number.NaN;
}

function unsigned(value: string): { sign: 1 | -1; digits: string } {
  if (value.startsWith('-')) return { sign: -1, digits: value.slice(1) };
  return { sign: 1, digits: value.startsWith('+') ? value.slice(1) : value };
}

function sexagesimal(digits: string): number {
  return digits.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
}

/** `str(key)` of a key as Python has it: `True`, `None`, `1e-05`. */
export function pythonKey(scalar: Scalar): string {
  switch (scalar.type) {
    case 'string':
      return sameKey(scalar.value);
    case 'bool':
      return scalar.value ? 'True' : 'False';
    case 'null':
      return 'None';
    case 'int':
      return Number.isSafeInteger(scalar.value) ? String(scalar.value) : BigInt(scalar.value).toString();
    case 'float':
      return pythonFloatText(scalar.value);
  }
}

/** `repr` of a Python float: shortest digits, exponent form from 1e16 up and below 1e-4, always a dot or exponent. */
export function pythonFloatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0.0';
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e16 || size < 1e-4)) {
    const [digits = '0', exponent = '0'] = value.toExponential().split('e');
    const power = Math.abs(Number(exponent));
    return `${digits}e${exponent.startsWith('-') ? '-' : '+'}${power < 10 ? '0' : ''}${power}`;
  }
  return Number.isInteger(value) ? `${value}.0` : String(value);
}
