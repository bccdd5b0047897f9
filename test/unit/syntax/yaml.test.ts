import { describe, expect, test } from 'vitest';
import { lookup, type MappingNode, type Node } from '../../../server/src/core/syntax/node';
import { toPlain } from '../../../server/src/core/syntax/plain';
import { parseYaml } from '../../../server/src/core/syntax/yaml';
import { processorMilliseconds } from '../../processor-time';
import fixture from './fixtures/pyyaml-texts.json';
import { type PythonValue, pythonValue, rounded } from './python-value';

describe('against PyYAML', () => {
  test.each(fixture.rows as unknown as [string, PythonValue][])('%j', (text, expected) => {
    const tree = parseYaml(text);
    const faults = tree.problems.filter((p) => p.kind === 'broken' || p.kind === 'limit');
    if ('error' in expected) {
      expect(faults.length, 'PyYAML refuses this').toBeGreaterThan(0);
      return;
    }
    expect(faults).toEqual([]);
    expect(withoutDates(pythonValue(tree.root), expected)).toEqual(rounded(expected));
  });
});

/** Dates are text in our tree. */
function withoutDates(ours: PythonValue, theirs: PythonValue): PythonValue {
  if ('other' in theirs) return theirs;
  if ('map' in ours && 'map' in theirs) {
    return { map: ours.map.map(([k, v], i) => [k, withoutDates(v, theirs.map[i]?.[1] ?? v)] as const) };
  }
  return ours;
}

function mapping(text: string): MappingNode {
  const { root } = parseYaml(text);
  if (root?.kind !== 'mapping') throw new Error('no mapping');
  return root;
}

function valueIn(text: string, key: string): Node | undefined {
  return lookup(mapping(text), key)?.value;
}

describe('places', () => {
  test('a value ends before its comment, a block before what follows', () => {
    const text = 'a: 1 # one\nb:\n  c: x\n\n# end\n';
    const root = mapping(text);
    const spans = root.entries.map((e) => [text.slice(e.start, e.end), text.slice(e.value?.start, e.value?.end)]);
    expect(spans).toEqual([
      ['a: 1', '1'],
      ['b:\n  c: x', 'c: x'],
    ]);
  });

  test('offsets stay behind templates', () => {
    const text = 'a: {{ lr }}\nb: \u0024{x:1}\n{% if y %}\nc: 1\n{% endif %}\n';
    expect(valueIn(text, 'a')).toMatchObject({ raw: '{{ lr }}', templated: true });
    expect(valueIn(text, 'b')).toMatchObject({ raw: '\u0024{x:1}', templated: true });
    expect(valueIn(text, 'c')).toMatchObject({ start: text.indexOf('1\n{%'), templated: false });
    expect(parseYaml(text).problems).toEqual([]);
  });

  test('a lost duplicate is named', () => {
    const { problems } = parseYaml('a: 1\nb: 2\na: 3\n');
    expect(problems).toEqual([expect.objectContaining({ kind: 'duplicate-key', start: 0, end: 1 })]);
    expect(problems[0]?.entry?.value).toMatchObject({ raw: '1' });
  });
});

describe('limits', () => {
  const limit = [expect.objectContaining({ kind: 'limit' })];

  test.each([
    ['brackets', '['.repeat(100_000)],
    ['braces', '{a: '.repeat(100_000)],
    ['dashes', '- '.repeat(100_000)],
    ['indentation', Array.from({ length: 600 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
    ['size', 'a: 1\n'.repeat(100_000)],
  ])('%s', (_, text) => {
    const took = processorMilliseconds(() => {
      const { root, problems } = parseYaml(text);
      expect({ root, problems }).toEqual({ root: undefined, problems: limit });
    });
    expect(took).toBeLessThan(2000);
  });

  test('nesting below the cap is read', () => {
    expect(parseYaml(`a: ${'['.repeat(200)}${']'.repeat(200)}`).problems).toEqual([]);
  });

  test('an alias bomb is not written out', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 12; i++)
      lines.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join(', ')}]`,
      );
    const tree = parseYaml(lines.join('\n'));
    expect(tree.problems[0]).toMatchObject({ kind: 'limit' });
    expect(Object.keys(toPlain(tree.root, 'yaml') as object)).toHaveLength(12);
  });

  test('an alias inside its own anchor is not followed', () => {
    expect(parseYaml('a: &x [*x]\n').problems).toEqual(limit);
  });
});

test('a second document is refused by safe_load, and the first is the config', () => {
  const tree = parseYaml('a: 1\n---\nb: 2\n');
  expect(toPlain(tree.root, 'yaml')).toEqual({ a: 1 });
  expect(tree.problems).toEqual([expect.objectContaining({ kind: 'broken', start: 5 })]);
});

test('a line behind tabs is one problem, whoever refuses it', () => {
  const { problems } = parseYaml('a:\n\tb: 1\n\tc: 2\nd:\t3\n');
  const lines = problems.filter(({ kind }) => kind === 'broken').map(({ start }) => start);
  expect(lines).toEqual([3, 9, 17]);
});
