import type { Scalar } from './node';

const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$/;

/**
 * The value of an unquoted JSON word as Python's json.load sees it, undefined for any other word. `NaN`, `Infinity` and
 * `-Infinity` are accepted (CPython json/decoder.py `_CONSTANTS`); an integer is one without fraction and exponent.
 */
export function jsonLiteral(word: string): Scalar | undefined {
  switch (word) {
    case 'true':
      return { type: 'bool', value: true };
    case 'false':
      return { type: 'bool', value: false };
    case 'null':
      return { type: 'null', value: null };
    case 'NaN':
      return { type: 'float', value: Number.NaN };
    case 'Infinity':
      return { type: 'float', value: Number.POSITIVE_INFINITY };
    case '-Infinity':
      return { type: 'float', value: Number.NEGATIVE_INFINITY };
  }
  if (!NUMBER.test(word)) return undefined;
  const isFloat = word.includes('.') || word.includes('e') || word.includes('E');
  // `+ 0` turns the integer -0, which Python does not have, into 0.
  return isFloat ? { type: 'float', value: Number(word) } : { type: 'int', value: Number(word) + 0 };
}
