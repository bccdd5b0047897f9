import { readFileSync } from 'node:fs';
import * as jsonc from 'jsonc-parser';
import { describe, expect, test } from 'vitest';
import { parseJson } from '../../../server/src/core/syntax/json';
import { Fault, Token } from '../../../server/src/core/syntax/json-token';
import type { Tree } from '../../../server/src/core/syntax/node';
import { parseSource } from '../../../server/src/core/syntax/parse';
import { pythonNumber, toPlain } from '../../../server/src/core/syntax/plain';
import { processorMilliseconds } from '../../processor-time';
import { type PythonValue, pythonValue, rounded } from './python-value';

// Read by hand: the bundler's JSON reader refuses the lone surrogates in it.
const fixture = JSON.parse(readFileSync(new URL('./fixtures/json-texts.json', import.meta.url), 'utf8'));
const rows: [string, PythonValue, PythonValue, PythonValue][] = fixture.rows;

function kinds(tree: Tree): Set<string> {
  return new Set(tree.problems.map((problem) => problem.kind));
}

/** Without the difference of int and float, which `pythonNumber` tells for Hjson. */
function loose(value: PythonValue): PythonValue {
  if ('int' in value) return { float: String(Number(value.int)) };
  if ('float' in value) return { float: String(Number(value.float)) };
  if ('seq' in value) return { seq: value.seq.map(loose) };
  if ('map' in value) return { map: value.map.map(([k, v]) => [k, loose(v)] as const) };
  return value;
}

describe('what json.load takes is read as it reads it, without a word', () => {
  test.each(rows.filter(([, json]) => !('error' in json)))('%j', (text, json) => {
    const tree = parseJson(text);
    expect([...kinds(tree)].filter((kind) => kind !== 'duplicate-key')).toEqual([]);
    expect(pythonValue(tree.root)).toEqual(rounded(json));
  });
});

describe('what only Hjson takes is read as it reads it, and reported as such', () => {
  const only = rows.filter(([, json, hjson]) => 'error' in json && !('error' in hjson));
  test.each(only)('%j', (text, _, hjson) => {
    const tree = parseJson(text);
    expect(kinds(tree)).toEqual(new Set(['hjson-only']));
    if (text.trim() !== '') expect(loose(pythonValue(tree.root))).toEqual(loose(hjson));
  });
});

describe('what neither takes is broken', () => {
  const neither = rows.filter(([, json, hjson]) => 'error' in json && 'error' in hjson);
  test.each(neither)('%j', (text) => {
    expect(kinds(parseJson(text))).toContain('broken');
  });
});

describe("duplicate keys, which DeepSpeed's reader refuses", () => {
  const duplicates = rows.filter(([, json, , deepspeed]) => !('error' in json) && deepspeed && 'error' in deepspeed);
  test.each(duplicates)('%j', (text) => {
    const problems = parseJson(text).problems.filter((problem) => problem.kind === 'duplicate-key');
    // NaN and Infinity are texts to Hjson, not duplicates.
    if (text.includes('"a": 2') || text.includes('"b": 2')) expect(problems).toHaveLength(1);
  });
});

test('whole floats below 1e10 are integers to Hjson only', () => {
  const kindOf = (text: string, reader: 'json' | 'hjson') => {
    const { root } = parseJson(text);
    return root?.kind === 'scalar' ? pythonNumber(root, reader) : undefined;
  };
  expect([kindOf('2e8', 'hjson'), kindOf('2e8', 'json')]).toEqual(['int', 'float']);
  expect([kindOf('1e10', 'hjson'), kindOf('1.5', 'hjson')]).toEqual(['float', 'float']);
});

describe('reading goes on behind a fault', () => {
  test.each([
    ['{"a": {"b": [1, 2}, "c": 3}', { a: { b: [1, 2] }, c: 3 }],
    ['{"a": 1', { a: 1 }],
    ['{"a": ', { a: null }],
    ['{"a": , "b": 2}', { a: null, b: 2 }],
    ['{"a" 1, "b": 2}', { a: null, 1: null, b: 2 }],
    ['{"a": [1, 2, "b": 3}', { a: [1, 2, 'b', 3] }],
    ['{"a": True}', { a: 'True' }],
  ])('%j', (text, expected) => {
    const tree = parseJson(text);
    expect(kinds(tree)).toContain('broken');
    expect(toPlain(tree.root, 'json')).toEqual(expected);
  });
});

test.each(['{ "a": 1 } /*', '{ /*', '/* a'])('what is wrong with %s stands in it', (text) => {
  for (const { start, end } of parseJson(text).problems) {
    expect(start).toBeLessThanOrEqual(end);
    expect(end).toBeLessThanOrEqual(text.length);
  }
});

describe('templates', () => {
  test('a placeholder in a template file is no fault', () => {
    const { tree } = parseSource('/w/ds_TEMPLATE.json', '{\n "a": CONFIG_BATCH_SIZE,\n "b": 2\n}');
    expect(tree.problems).toEqual([]);
    expect(tree.root).toMatchObject({
      entries: [{ value: { raw: 'CONFIG_BATCH_SIZE', templated: true } }, { key: 'b' }],
    });
  });

  test.each(['\u0024{LR}', '{{ lr }}', '"\u0024{LR}"', '"{{ lr }}"', '"<YOUR_PATH>"'])(
    '%s is filled in later',
    (written) => {
      const tree = parseJson(`{"a": ${written}}`);
      expect(tree.problems).toEqual([]);
      expect(tree.root).toMatchObject({ entries: [{ value: { templated: true } }] });
    },
  );

  test('special tokens are values', () => {
    expect(parseJson('"<|end|>"').root).toMatchObject({ templated: false });
  });
});

describe('limits', () => {
  test.each(['[', '{"a":', '{a:', '[[]', '"', "'", '/*', '}', ',', ':', '\0', '\ud800', '\\', '//', '#'])(
    '100,000 of %j',
    (unit) => {
      const took = processorMilliseconds(() => {
        expect(parseJson(unit.repeat(100_000)).problems.length).toBeGreaterThan(0);
      });
      expect(took).toBeLessThan(2000);
    },
  );

  test('50 MB', () => {
    const took = processorMilliseconds(() => {
      const tree = parseJson('[1,'.repeat(17_000_000));
      expect(tree.problems).toEqual([expect.objectContaining({ kind: 'limit' })]);
    });
    expect(took).toBeLessThan(2000);
  });

  test('what stands above the cap is kept', () => {
    const tree = parseJson(`{"a": 1, "b": ${'['.repeat(5000)}`);
    expect(kinds(tree)).toEqual(new Set(['limit']));
    expect(tree.root).toMatchObject({ entries: [{ key: 'a' }, { key: 'b' }] });
  });
});

test.each(['\u00a0', '\u2028', '\ufeff', '\f', '\u3000'])('reading goes on behind the odd space %j', (space) => {
  for (const text of [
    `[${space}`,
    `"":[${space}`,
    `{"a": ${space}`,
    `{"a": ${space},\n"b": 1}`,
    `{"a": 1,${space}"b": 1}`,
  ]) {
    const { problems } = parseJson(text);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.length).toBeLessThan(10);
  }
  const { root } = parseJson(`{"a": ${space},\n"b": 1}`);
  expect(toPlain(root, 'hjson')).toMatchObject({ b: 1 });
});

test('a comment that the text ends in is a fault inside the text', () => {
  expect(parseJson('/*').problems).toContainEqual(expect.objectContaining({ kind: 'broken', start: 0, end: 2 }));
});

test('the token numbers are those of jsonc-parser', () => {
  // The package's objects exist at run time; its types declare them as const enums, which cannot be read here.
  const { SyntaxKind, ScanError } = jsonc as unknown as Record<'SyntaxKind' | 'ScanError', Record<string, number>>;
  const kinds =
    'OpenBraceToken CloseBraceToken OpenBracketToken CloseBracketToken CommaToken ColonToken NullKeyword TrueKeyword';
  const more =
    'FalseKeyword StringLiteral NumericLiteral LineCommentTrivia BlockCommentTrivia LineBreakTrivia Trivia Unknown EOF';
  expect(Object.values(Token)).toEqual(`${kinds} ${more}`.split(' ').map((name) => SyntaxKind[name]));
  const faults =
    'None UnexpectedEndOfComment UnexpectedEndOfString UnexpectedEndOfNumber InvalidUnicode InvalidEscapeCharacter';
  expect(Object.values(Fault)).toEqual(`${faults} InvalidCharacter`.split(' ').map((name) => ScanError[name]));
});
