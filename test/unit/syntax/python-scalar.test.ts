import { expect, test } from 'vitest';
import { pythonFloatText, pythonKey, resolvePlain } from '../../../server/src/core/syntax/python-scalar';
import fixture from './fixtures/pyyaml-scalars.json';
import { type PythonValue, rounded, scalarValue } from './python-value';

test.each(fixture.rows as unknown as [string, PythonValue][])('PyYAML reads %s as %j', (written, expected) => {
  const scalar = resolvePlain(written);
  // Dates are kept as text, and what makes PyYAML raise proves nothing.
  if ('other' in expected || 'error' in expected) expect(scalar).toEqual({ type: 'string', value: written });
  else expect(scalarValue(scalar)).toEqual(rounded(expected));
});

test('an empty value is None', () => {
  expect(resolvePlain('')).toEqual({ type: 'null', value: null });
});

test.each([
  [0.0001, '0.0001'],
  [0.00001, '1e-05'],
  [1.5e-7, '1.5e-07'],
  [1e16, '1e+16'],
  [1e15, '1000000000000000.0'],
  [123456.789, '123456.789'],
  [-0, '-0.0'],
  [Number.NEGATIVE_INFINITY, '-inf'],
])('repr(%d) is %s', (value, text) => {
  expect(pythonFloatText(value)).toBe(text);
});

test('keys are text as str() gives it', () => {
  expect(pythonKey({ type: 'bool', value: true })).toBe('True');
  expect(pythonKey({ type: 'null', value: null })).toBe('None');
  expect(pythonKey({ type: 'int', value: 1 })).toBe('1');
  expect(pythonKey({ type: 'float', value: 1 })).toBe('1.0');
});
