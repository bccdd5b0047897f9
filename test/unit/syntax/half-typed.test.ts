import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { lookup, type Node, type Tree } from '../../../server/src/core/syntax/node';
import { parseJson, parseYaml } from '../../../server/src/core/syntax/parse';
import { toPlain } from '../../../server/src/core/syntax/plain';

const example = (path: string) => readFileSync(new URL(`../../../examples/${path}`, import.meta.url), 'utf8');

const YAML: Readonly<Record<string, string>> = {
  accelerate: example('fsdp2-trl-two-nodes/accelerate.yaml'),
  training: example('fsdp2-trl-two-nodes/sft.yaml'),
  nested: [
    '# What it is for',
    'deepspeed_config:',
    '  zero: &zero',
    '    stage: 3',
    '    offload: {device: cpu, pin: [1, 2]}',
    '',
    '  # a comment between',
    '  copy:',
    '    <<: *zero',
    "  quoted: 'it''s'",
    'lr: 1.0e-5 # a comment',
    '',
  ].join('\n'),
  lists: [
    'datasets:',
    '- path: a',
    '  split: "train: all"',
    '- path: b',
    '  options:',
    '    - x: 1',
    '      y: 2',
    'betas: [0.9,',
    '  0.95]',
    'targets:',
    '  - q_proj',
    '  - v_proj',
    'seed: 1',
  ].join('\n'),
  texts: [
    'chat_template: |',
    '  word',
    '  a: b',
    'folded: "one',
    '  two"',
    'plain: one',
    '  two',
    'empty:',
    'path: C:\\x',
    '',
  ].join('\r\n'),
};

const TYPED = [
  'f',
  'fsdp_',
  'fsdp_  ',
  'learning_rate 1',
  'lr:2',
  '"fsdp_',
  'key: "unclosed',
  "key: 'a",
  'key: [a, b',
  'key: {a: 1',
];

/** Every key and value with its path, its place as it would be without the inserted line, and its meaning. */
function valuesOf(tree: Tree, inserted: { start: number; length: number }): readonly string[] {
  const found: string[] = [];
  const old = (offset: number) => (offset >= inserted.start + inserted.length ? offset - inserted.length : offset);
  const visit = (node: Node | undefined, path: string): void => {
    if (node === undefined) return;
    if (node.kind === 'scalar')
      found.push(`${path} ${old(node.start)}-${old(node.end)} ${JSON.stringify(node.scalar)}`);
    if (node.kind === 'sequence') for (const [i, item] of node.items.entries()) visit(item, `${path}/${i}`);
    if (node.kind !== 'mapping') return;
    for (const entry of node.entries) {
      if (entry.start >= inserted.start && entry.start < inserted.start + inserted.length) {
        found.push('typed');
        expect(entry.value?.kind).toBeUndefined();
        continue;
      }
      visit(entry.keyNode, `${path}/${entry.key}`);
      visit(entry.value, `${path}/${entry.key}`);
    }
  };
  visit(tree.root, '');
  return found;
}

/** The columns of the keys before and behind the start of a line, where no value goes on over it. */
function columnsAt(text: string, root: Node | undefined, at: number): ReadonlySet<number> {
  const columns = new Set<number>();
  let before: number | undefined;
  let behind: number | undefined;
  const columnOf = (offset: number) => offset - (text.lastIndexOf('\n', offset - 1) + 1);
  const visit = (node: Node | undefined): boolean => {
    if (node === undefined) return true;
    if (node.kind === 'sequence') return !(node.flow && goesOver(node)) && node.items.every(visit);
    if (node.kind === 'scalar') return !goesOver(node);
    if (node.flow) return !goesOver(node);
    return node.entries.every((entry) => {
      if (entry.start < at) before = Math.max(before ?? 0, entry.start);
      else behind = Math.min(behind ?? entry.start, entry.start);
      return visit(entry.value);
    });
  };
  // A block text ends with the lines that are indented like it, so its end is not known here.
  const goesOver = ({ start, end }: Node) => start < at && end > at;
  if (!visit(root)) return columns;
  if (before !== undefined) columns.add(columnOf(before));
  if (behind !== undefined && /^ *$/.test(text.slice(at, behind))) columns.add(columnOf(behind));
  return columns;
}

describe('a half-typed line in YAML', () => {
  test.each(Object.entries(YAML))('leaves everything around it as it was: %s', (_, text) => {
    const whole = parseYaml(text);
    expect(whole.problems).toEqual([]);
    const expected = valuesOf(whole, { start: text.length, length: 0 });
    let places = 0;
    for (let at = 0; at <= text.length; at = text.indexOf('\n', at) + 1 || text.length + 1) {
      const lineBreak = text.includes('\r') ? '\r\n' : '\n';
      for (const column of columnsAt(text, whole.root, at)) {
        for (const typed of TYPED) {
          const isEnd = at === text.length && !text.endsWith('\n');
          const line = `${isEnd ? lineBreak : ''}${' '.repeat(column)}${typed}${isEnd ? '' : lineBreak}`;
          const changed = text.slice(0, at) + line + text.slice(at);
          const tree = parseYaml(changed);
          const values = valuesOf(tree, { start: at, length: line.length });
          expect(values.filter((value) => value !== 'typed').sort(), changed).toEqual([...expected].sort());
          expect(values, changed).toContain('typed');
          expect(tree.problems, changed).toEqual([expect.objectContaining({ kind: 'broken' })]);
          expect(tree.problems[0]?.start, changed).toBeGreaterThanOrEqual(at);
          expect(tree.problems[0]?.end, changed).toBeLessThanOrEqual(at + line.length);
          places++;
        }
      }
    }
    expect(places).toBeGreaterThan(50);
  });
});

const broken = (line: number) => `broken on line ${line}`;

/** What Python would have without the break, and each problem with its line. */
function readWith(parse: (text: string) => Tree, text: string): { plain: unknown; problems: readonly string[] } {
  const { root, problems } = parse(text);
  const lineOf = (offset: number) => text.slice(0, offset).split('\n').length;
  return {
    plain: toPlain(root, 'json'),
    problems: problems.map(({ kind, start }) => `${kind} on line ${lineOf(start)}`),
  };
}

test.each([
  ['a tab alone', 'a: 1\n\t\nb: 2\n', { a: 1, b: 2 }, 2],
  ['a word behind a tab', 'a:\n  x: 1\n\tfs\n  c: 2\nd: 3\n', { a: { x: 1, fs: null, c: 2 }, d: 3 }, 3],
  ['an entry behind a tab', 'a:\n  x: 1\n\tfs: 2\n  c: 2\nd: 3\n', { a: { x: 1, fs: null, c: 2 }, d: 3 }, 3],
  ['a tab behind a word', 'a:\n  x: 1\n  fs\t\n  c: 2\n', { a: { x: 1, fs: null, c: 2 } }, 3],
  ['a dash between keys', 'a: 1\n- \nb: 2\n', { a: 1, b: 2 }, 2],
  ['a dash below a section', 'a:\n  b: 1\n  -\n  c: 2\n', { a: { b: 1, c: 2 } }, 3],
  ['the first key of an item', '- a: 1\n- name\n  b: 2\n', [{ a: 1 }, { name: null, b: 2 }], 2],
  ['a word between items', '- a\nfs\n- b\n', ['a', 'b'], 2],
  ['an alias without name', 'a: *\nd: 1\n', { a: null, d: 1 }, 1],
  ['an alias half typed', 'a: &long 1\nb: *lo\nd: 1\n', { a: 1, b: null, d: 1 }, 2],
  ['a closing bracket', 'a: ]\nd: 1\n', { a: null, d: 1 }, 1],
  ['an open bracket', 'a: [\nd: 1\ne: 2\n', { a: null, d: 1, e: 2 }, 1],
  ['a template beside it', 'a: {{ x }}\nfs\nd: 1\n', { a: '{{ x }}', fs: null, d: 1 }, 2],
  ['a key that stands below', 'fs\nfs: 1\nd: 1\n', { fs: 1, d: 1 }, 1],
  ['a key that stands above', 'fs: 1\nd: 1\nfs\n', { fs: 1, d: 1 }, 3],
] as const)('YAML: %s', (_, text, plain, line) => {
  expect(readWith(parseYaml, text)).toEqual({ plain, problems: [broken(line)] });
});

test.each([
  ['an open quote', '{\n  "a": 1,\n  "overlap_\n  "b": 2\n}', { a: 1, overlap_: null, b: 2 }, 3],
  ['an open quote at the end', '{\n  "z": {\n    "o\n  },\n  "b": 2\n}', { z: { o: null }, b: 2 }, 3],
  ['a bare word', '{\n  "a": 1,\n  overlap_\n  "b": 2\n}', { a: 1, overlap_: null, b: 2 }, 3],
  ['a key alone', '{\n  "a": 1,\n  "o"\n  "b": 2\n}', { a: 1, o: null, b: 2 }, 3],
  ['no value before a comma', '{\n  "a": ,\n  "b": 2\n}', { a: null, b: 2 }, 2],
  ['no value at the end of a line', '{\n  "a":\n  "b": 2\n}', { a: null, b: 2 }, 2],
  ['a value with an open quote', '{\n  "a": "x\n  "b": 2\n}', { a: 'x', b: 2 }, 2],
  ['an open list', '{\n  "a": [1, 2\n  "b": 2\n}', { a: [1, 2], b: 2 }, 2],
  ['an open list before a bracket', '{\n  "z": {\n    "o": [1\n  },\n  "b": 2\n}', { z: { o: [1] }, b: 2 }, 3],
  ['a key that stands above', '{\n  "a": 1,\n  "b": 2,\n  "a"\n}', { a: 1, b: 2 }, 4],
] as const)('JSON: %s', (_, text, plain, line) => {
  expect(readWith(parseJson, text)).toEqual({ plain, problems: [broken(line)] });
});

test('the key is kept as typed, and the other one of the same name counts', () => {
  const { root } = parseYaml('a:\n  "fsdp_\n  x: 1\nb: 1\nb\n');
  if (root?.kind !== 'mapping') throw new Error('no mapping');
  const section = lookup(root, 'a')?.value;
  expect(section?.kind === 'mapping' && section.entries.map(({ key, keyNode }) => [key, keyNode.raw])).toEqual([
    ['fsdp_', '"fsdp_'],
    ['x', 'x'],
  ]);
  expect(lookup(root, 'b')?.value).toMatchObject({ raw: '1' });
});
