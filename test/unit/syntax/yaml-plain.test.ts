import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseYaml } from '../../../server/src/core/syntax/yaml';
import { composeYaml } from '../../../server/src/core/syntax/yaml-compose';
import { readPlainYaml } from '../../../server/src/core/syntax/yaml-plain/read';
import { exampleFolders } from '../../examples';
import fixture from './fixtures/pyyaml-texts.json';

const examples = Object.entries(exampleFolders()).flatMap(([folder, files]) =>
  Object.entries(files).flatMap(([name, text]) =>
    name.endsWith('.yaml') ? [{ name: `${folder}/${name}`, text }] : [],
  ),
);

/** What is read without the package has to be what the package reads, node by node and problem by problem. */
function isReadAlike(text: string): boolean {
  const plain = readPlainYaml(text);
  if (plain === undefined) return false;
  expect(plain, JSON.stringify(text)).toEqual(composeYaml(text));
  return true;
}

describe('reads by itself, and as the package does', () => {
  test.each(examples)('$name', ({ text }) => {
    expect(isReadAlike(text)).toBe(true);
    expect(isReadAlike(text.replaceAll('\n', '\r\n'))).toBe(true);
    expect(isReadAlike(text.trimEnd())).toBe(true);
  });

  test.each([
    'a: 1',
    '# c\n\n---  # c\na: 1 # c\n',
    'a:\nb: \nc:   # c\n-d: -1\n',
    'a:\n- 1\n-\n- b: 2\n  c: 3\n-   - x\n    - y\nd: e\n',
    '- a\n-\n  b: 1\n- # c\n  c: 2\n',
    'a: 1\nb:\n    c: d e  f\n    # c\n # c\ng: http://h:1/#i # j\n',
    "\"a b\": \"c \\\" \\\\ \\n\" # d\n'e' : 'it''s'\n",
    'a: [1, "b", [], {}, {c: d e, "f":1, \'g\' : [h,]}, -1, --i]\n',
    'a: {\n  "b": 1, # c\n\n  # d\n  "e": [\n    1,\n    2\n  ],\n}\n# f\ng: 1\n',
    '{\n"a": 1\n}',
    'a: |\n  b {{ c }}\n\n    d\n  # e\n\n# f\nb:\n  - |-\n    c',
    'a: 1\nb: 2\na: 3\n"1": x\n1: y\n',
    `${Array.from({ length: 30 }, (_, i) => `k${i % 20}: ${i}`).join('\n')}\n`,
    'a: no\non: 010\nb: 1e-4\nc: 1:30\nd: ~\ne: .5\nf: <PATH>\ng: $' + '{HOME}/x\n',
  ])('%j', (text) => {
    expect(isReadAlike(text)).toBe(true);
  });
});

test.each([
  ['nothing', ''],
  ['comments only', '# a\n'],
  ['an anchor', 'a: &b 1\n'],
  ['an alias', 'a: *b\n'],
  ['a tag', 'a: !!int 1\n'],
  ['a merge', 'a:\n  <<: b\n'],
  ['an explicit key', '? a\n: 1\n'],
  ['a text over two lines', 'a: b\n  c\n'],
  ['quotes over two lines', 'a: "b\n  c"\n'],
  ['two documents', 'a: 1\n---\nb: 2\n'],
  ['the end of a document', 'a: 1\n...\n'],
  ['a directive', '%YAML 1.1\n---\na: 1\n'],
  ['a tab', 'a:\t1\n'],
  ['a carriage return alone', 'a: 1\rb: 2\n'],
  ['a byte order mark', '\ufeffa: 1\n'],
  ['folded text', 'a: >\n  b\n'],
  ['a second colon', 'a: b: c\n'],
  ['a line between two columns', 'a:\n    b: 1\n  c: 2\n'],
  ['a key without colon', 'a: 1\nb\n'],
  ['a list beside keys', 'a: 1\n- b\n'],
  ['a bracket that is not closed', 'a: [1, 2\nb: 3\n'],
  ['an item that is not written', 'a: [1, , 2]\n'],
  ['a key alone in braces', 'a: {b}\n'],
  ['text behind quotes', 'a: "b" c\n'],
  // Here the package reads on behind the text, since the comment stands at the column of no block.
  ['a text below its key', 'a:\n#c\n  b\n\nc: 1\n'],
  ['a comment at the start of a line in brackets', '{\n  "a": 1\n# c\n\n}\n'],
  ['an escape that YAML does not know', 'a: "\\d"\n'],
])('leaves to the package: %s', (_, text) => {
  expect(readPlainYaml(text)).toBeUndefined();
  expect(parseYaml(text)).toEqual(composeYaml(text));
});

test('deep nesting is left to the guard before the package', () => {
  expect(readPlainYaml('[\n'.repeat(50_000))).toBeUndefined();
  expect(readPlainYaml('- '.repeat(50_000))).toBeUndefined();
  expect(readPlainYaml(Array.from({ length: 500 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'))).toBeUndefined();
});

/** Lines of a text in which all that is read by itself occurs, in any indentation. */
const line = fc
  .tuple(
    fc.constantFrom('', '', '', '  ', '  ', '    ', ' '),
    fc.constantFrom('', '', '', '- ', '-   ', '- - '),
    fc.constantFrom('a: ', 'b: ', 'c_d: ', '"e f": ', "'g': ", 'a:', 'h : ', '1: ', 'on: ', ''),
    fc.constantFrom(
      '',
      '1',
      '-1',
      '1e-4',
      'b c',
      '"x"',
      "'it''s'",
      '"\\n"',
      'no',
      '[1, a b]',
      '{p: 1, "q":[]}',
      '|',
      '|-',
      '[',
    ),
    fc.constantFrom('', '', '', ' # c', '  ', ',', ']'),
    fc.constantFrom('\n', '\n', '\n', '\n\n', '\r\n', '\n# c\n', '\n   # c\n'),
  )
  .map((parts) => parts.join(''));

const document = fc.oneof(
  fc.array(line, { maxLength: 6 }).map((lines) => lines.join('')),
  fc.constantFrom(...examples.map(({ text }) => text), ...fixture.rows.map(([text]) => String(text))),
);

const PIECES = [
  '{',
  '}',
  '[',
  ']',
  ':',
  ': ',
  ',',
  '"',
  "'",
  '#',
  ' # c',
  '\n',
  '\r\n',
  '\r',
  '\t',
  ' ',
  '  ',
  '- ',
  '---\n',
]
  .concat([
    '...\n',
    '&a ',
    '*a',
    '<<: ',
    '=',
    '|\n',
    '>-\n',
    '\\',
    '\ufeff',
    '{{ x }}',
    '$' + '{x}',
    '!!int ',
    '? ',
    '\u0085',
  ])
  .concat(['%', '@', '\n\n', '\n# c\n', 'a: 1\n', '\n  ', '{a: b, "c":d}', '\n- a\n', '\ud800', '\u0001']);

/** The document with pieces put in, cut out, and lines moved to the right and left. */
const mutated = fc
  .tuple(document, fc.array(fc.tuple(fc.nat(3), fc.nat(), fc.nat(8), fc.constantFrom(...PIECES)), { maxLength: 4 }))
  .map(([seed, steps]) => {
    let text = seed;
    for (const [kind, where, length, piece] of steps) {
      const at = where % (text.length + 1);
      const start = kind < 2 ? at : text.lastIndexOf('\n', at) + 1;
      if (kind === 0) text = text.slice(0, at) + piece + text.slice(at);
      else if (kind === 1) text = text.slice(0, at) + text.slice(at + length);
      else if (kind === 2) text = `${text.slice(0, start)}${' '.repeat(length)}${text.slice(start)}`;
      else text = text.slice(0, start) + text.slice(start).replace(/^ {1,2}/, '');
    }
    return text;
  });

test('whatever it does not refuse is read as the package does', () => {
  let count = 0;
  fc.assert(
    fc.property(mutated, (text) => {
      if (isReadAlike(text)) count++;
    }),
    { numRuns: 5000, seed: 21 },
  );
  expect(count).toBeGreaterThan(1000);
});
