import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FileEdit } from '../../../server/src/core/findings';
import { insertEntry, removeEntry, renameKey, replaceValue, setPath } from '../../../server/src/core/syntax/editing';
import { type Entry, lookup, type MappingNode, type Node } from '../../../server/src/core/syntax/node';
import { parseSource } from '../../../server/src/core/syntax/parse';
import { toPlain } from '../../../server/src/core/syntax/plain';
import { applyEdits } from '../../../server/src/core/text/edit';

function read(path: string, text: string) {
  const file = parseSource(path, text);
  const root = file.tree.root;
  if (root?.kind !== 'mapping') throw new Error('the sample has no mapping at its root');
  return { file, root };
}

function edited(path: string, text: string, edit: (f: ReturnType<typeof read>) => FileEdit[]): string {
  return applyEdits(text, edit(read(path, text)));
}

function entryAt(root: MappingNode, path: string): Entry {
  let mapping: Node | undefined = root;
  let entry: Entry | undefined;
  for (const part of path.split('.')) {
    if (mapping?.kind !== 'mapping') throw new Error(`no mapping above ${part}`);
    entry = lookup(mapping, part);
    mapping = entry?.value;
  }
  if (entry === undefined) throw new Error(`no entry ${path}`);
  return entry;
}

describe('replaceValue', () => {
  const cases: [string, string, string, unknown, string][] = [
    ['a number', 'x.json', '{ "a": 1, "b": 2 }', 2, '{ "a": 2, "b": 2 }'],
    ['text keeps single quotes in YAML', 'x.yaml', "a: 'x' # why\n", 'y', "a: 'y' # why\n"],
    ['text that YAML would read as a boolean', 'x.yaml', 'a: x\n', 'no', 'a: "no"\n'],
    ['a small float that PyYAML can read', 'x.yaml', 'a: 1e-5\n', 0.00001, 'a: 1.0e-05\n'],
    ['nothing', 'x.yaml', 'a:\nb: 1\n', true, 'a: true\nb: 1\n'],
    ['a number with an exponent', 'x.json', '{ "a": 5e7, "b": 2 }', 5e8, '{ "a": 5e8, "b": 2 }'],
    ['the spelling of an exponent', 'x.json', '{ "a": 5.0E+07 }', 2.5e9, '{ "a": 2.5E+09 }'],
    ['a small number with an exponent', 'x.json', '{ "a": 1e-4 }', 2e-5, '{ "a": 2e-5 }'],
    ['an exponent that PyYAML can read', 'x.yaml', 'a: 5.0e+7\n', 5e8, 'a: 5.0e+8\n'],
    ['an exponent by a number that suits none', 'x.json', '{ "a": 1e6 }', 64, '{ "a": 64 }'],
    ['an exponent by a number with many digits', 'x.json', '{ "a": 1e6 }', 123456789, '{ "a": 123456789 }'],
    ['a number without an exponent', 'x.json', '{ "a": 50000000 }', 5e8, '{ "a": 500000000 }'],
    ['a YAML block', 'x.yaml', 'a:\n  c: 1\n  d: 2\nb: 1\n', 3, 'a: 3\nb: 1\n'],
    ['a YAML list below a comment', 'x.yaml', 'a:\n# why\n- c\n- d\nb: 1\n', 3, 'a:\n# why\n  3\nb: 1\n'],
    ['a mapping over lines', 'x.json', '{\n  "a": 1\n}', { c: 1 }, '{\n  "a": {\n    "c": 1\n  }\n}'],
    ['a list', 'x.json', '{\n\t"a": 1\n}', [0.9, 0.95], '{\n\t"a": [0.9, 0.95]\n}'],
  ];
  test.each(cases)('%s', (_, path, text, value, expected) => {
    const result = edited(path, text, ({ file, root }) => {
      const node = entryAt(root, 'a').value;
      return node === undefined ? [] : replaceValue(file, node, value);
    });
    expect(result).toBe(expected);
  });
});

describe('removeEntry', () => {
  const cases: [string, string, string, string][] = [
    ['x.json', '{"a": 1, "b": 2}', 'a', '{"b": 2}'],
    ['x.json', '{"a": 1, "b": 2}', 'b', '{"a": 1}'],
    ['x.json', '{"a": 1}', 'a', '{}'],
    ['x.json', '{\n  "a": 1,\n  "b": 2\n}\n', 'a', '{\n  "b": 2\n}\n'],
    ['x.json', '{\n  "a": 1,\n  "b": 2\n}\n', 'b', '{\n  "a": 1\n}\n'],
    ['x.json', '{\r\n\t"a": 1,\r\n\t"b": 2,\r\n\t"c": 3\r\n}', 'b', '{\r\n\t"a": 1,\r\n\t"c": 3\r\n}'],
    ['x.json', '{\n  "a": 1, // one\n  "b": 2 // two\n}\n', 'b', '{\n  "a": 1 // one\n  // two\n}\n'],
    ['x.json', '{\n  "o": {\n    "a": 1\n  }\n}\n', 'o.a', '{\n  "o": {}\n}\n'],
    ['x.yaml', 'a: 1\nb: 2\n', 'a', 'b: 2\n'],
    ['x.yaml', 'a: 1\nb: 2', 'b', 'a: 1'],
    ['x.yaml', 'o:\n  a: 1\nb: 2\n', 'o.a', 'o:\n  {}\nb: 2\n'],
    ['x.yaml', 'o:\n  a: 1\n  c: |\n    text\n\nb: 2\n', 'o.c', 'o:\n  a: 1\n\nb: 2\n'],
    ['x.yaml', 'a: 1 # why\nb: 2\n', 'a', '# why\nb: 2\n'],
    ['x.yaml', 'o: {a: 1, b: 2}\n', 'o.b', 'o: {a: 1}\n'],
  ];
  test.each(cases)('%s %j without %s', (path, text, key, expected) => {
    const result = edited(path, text, ({ file, root }) => {
      const parent = key.includes('.') ? entryAt(root, key.split('.').slice(0, -1).join('.')).value : root;
      return parent?.kind === 'mapping' ? removeEntry(file, parent, entryAt(root, key)) : [];
    });
    expect(result).toBe(expected);
  });

  test('the first key behind a dash leaves the dash', () => {
    const result = edited('x.yaml', 'l:\n  - a: 1\n    b: 2\n', ({ file, root }) => {
      const list = entryAt(root, 'l').value;
      const item = list?.kind === 'sequence' ? list.items[0] : undefined;
      return item?.kind === 'mapping' && item.entries[0] ? removeEntry(file, item, item.entries[0]) : [];
    });
    expect(result).toBe('l:\n  - b: 2\n');
  });

  test('an entry with an anchor that others use stays', () => {
    const { file, root } = read('x.yaml', 'a: &x 1\nb: *x\n');
    expect(removeEntry(file, root, entryAt(root, 'a'))).toEqual([]);
  });
});

describe('insertEntry and setPath', () => {
  const cases: [string, string, string, unknown, string][] = [
    ['x.json', '{"a":1,"b":2}', 'c', 3, '{"a":1,"b":2,"c":3}'],
    ['x.json', '{"a": 1}', 'c', 3, '{"a": 1, "c": 3}'],
    [
      'x.json',
      '{\n    "a": 1\n}\n',
      'o.p.q',
      3,
      '{\n    "a": 1,\n    "o": {\n        "p": {\n            "q": 3\n        }\n    }\n}\n',
    ],
    ['x.json', '{\n\t"o": {\n\t\t"a": 1\n\t}\n}', 'o.b', 'x', '{\n\t"o": {\n\t\t"a": 1,\n\t\t"b": "x"\n\t}\n}'],
    ['x.json', '{\r\n  "a": 1\r\n}\r\n', 'b', 2, '{\r\n  "a": 1,\r\n  "b": 2\r\n}\r\n'],
    ['x.json', '{\n  "a": 1 // one\n}\n', 'b', 2, '{\n  "a": 1, // one\n  "b": 2\n}\n'],
    ['x.json', '{\n  "a": 1,\n}\n', 'b', 2, '{\n  "a": 1,\n  "b": 2,\n}\n'],
    ['x.json', '{\n  "o": {}\n}\n', 'o.b', 2, '{\n  "o": {\n    "b": 2\n  }\n}\n'],
    ['x.json', '{\n  "o": true\n}\n', 'o.b', 2, '{\n  "o": {\n    "b": 2\n  }\n}\n'],
    ['x.json', '', 'a.b', 2, '{\n    "a": {\n        "b": 2\n    }\n}\n'],
    ['x.yaml', '', 'a.b', 2, 'a:\n  b: 2\n'],
    ['x.yaml', 'a: 1', 'b', 2, 'a: 1\nb: 2'],
    ['x.yaml', 'a: 1 # one\nc: 3\n', 'd', 4, 'a: 1 # one\nc: 3\nd: 4\n'],
    ['x.yaml', 'o:\n    a: 1\nc: 3\n', 'o.p.q', 'x', 'o:\n    a: 1\n    p:\n        q: x\nc: 3\n'],
    ['x.yaml', 'o: {a: 1}\n', 'o.b', 'x y', 'o: {a: 1, b: x y}\n'],
    ['x.yaml', 'o: {"a": 1}\n', 'o.b', 'x', 'o: {"a": 1, "b": "x"}\n'],
    ['x.yaml', 'o:\nc: 3\n', 'o.b', 2, 'o: {b: 2}\nc: 3\n'],
  ];
  test.each(cases)('%s %j gets %s = %j', (path, text, key, value, expected) => {
    const file = parseSource(path, text);
    const root = file.tree.root?.kind === 'mapping' ? file.tree.root : undefined;
    expect(applyEdits(text, setPath(file, root, key, value))).toBe(expected);
  });

  test('goes behind the entry that is named', () => {
    const json = '{\n  "a": 1, // one\n  "b": 2\n}';
    const behindA = edited('x.json', json, ({ file, root }) =>
      insertEntry(file, root, 'n', 0, { after: entryAt(root, 'a') }),
    );
    expect(behindA).toBe('{\n  "a": 1, // one\n  "n": 0,\n  "b": 2\n}');
    const yaml = 'a:\n  x: 1\n# about b\nb: 2\n';
    const behind = edited('x.yaml', yaml, ({ file, root }) =>
      insertEntry(file, root, 'n', 0, { after: entryAt(root, 'a') }),
    );
    expect(behind).toBe('a:\n  x: 1\nn: 0\n# about b\nb: 2\n');
  });

  test('a mapping that stands behind an alias is left alone', () => {
    const { file, root } = read('x.yaml', 'a: &x {p: 1}\nb: *x\n');
    expect(setPath(file, root, 'b.q', 2)).toEqual([]);
  });
});

test('renameKey keeps the quotes', () => {
  expect(edited('x.json', '{"a": 1}', ({ file, root }) => renameKey(file, entryAt(root, 'a'), 'b'))).toBe('{"b": 1}');
  expect(edited('x.yaml', "'a': 1\n", ({ file, root }) => renameKey(file, entryAt(root, 'a'), 'b'))).toBe("'b': 1\n");
  expect(edited('x.yaml', 'a: 1\n', ({ file, root }) => renameKey(file, entryAt(root, 'a'), 'on'))).toBe('"on": 1\n');
});

// Properties: whatever the style, an edit changes its own value and nothing else.

const key = fc.constantFrom('stage', 'lr', 'on', 'a b', 'x#y', 'z', 'deepspeed', '1', 'true', 'p', 'q');
const leaf = fc.oneof(
  fc.constantFrom<unknown>(
    'auto',
    'no',
    '',
    '1e-4',
    'a: b',
    '#x',
    '-',
    'cpu',
    'multi\nline',
    "it's",
    '"q"',
    '${x',
    null,
  ),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (Object.is(n, -0) ? 0 : n)),
  fc.boolean(),
);
const { value } = fc.letrec<{ value: unknown; mapping: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(leaf, { maxLength: 3 }),
    tie('mapping'),
  ),
  mapping: fc.dictionary(key, tie('value'), { maxKeys: 4 }).map((record) => ({ ...record })),
}));
const mapping = fc.dictionary(key, value, { minKeys: 1, maxKeys: 5 }).map((record) => ({ ...record }));

interface Style {
  readonly newline: string;
  readonly unit: string;
  readonly wide: boolean;
  readonly comments: boolean;
  readonly trailing: boolean;
}
const style: fc.Arbitrary<Style> = fc.record({
  newline: fc.constantFrom('\n', '\r\n'),
  unit: fc.constantFrom('  ', '    ', '\t'),
  wide: fc.boolean(),
  comments: fc.boolean(),
  trailing: fc.boolean(),
});

function isMapping(item: unknown): item is Record<string, unknown> {
  return typeof item === 'object' && item !== null && !Array.isArray(item);
}

let commentCount = 0;

function renderJson(item: unknown, s: Style, indent = ''): string {
  if (!isMapping(item)) return JSON.stringify(item);
  const entries = Object.entries(item);
  if (entries.length === 0) return '{}';
  if (!s.wide) return `{${entries.map(([k, v]) => `${JSON.stringify(k)}: ${renderJson(v, s)}`).join(', ')}}`;
  const inner = indent + s.unit;
  const lines = entries.map(([k, v], i) => {
    const note = s.comments ? ` // c${commentCount++}` : '';
    const above = s.comments && i % 2 === 1 ? `${inner}/* above c${commentCount++} */${s.newline}` : '';
    const comma = i < entries.length - 1 || s.trailing ? ',' : '';
    return `${above}${inner}${JSON.stringify(k)}: ${renderJson(v, s, inner)}${comma}${note}`;
  });
  return `{${s.newline}${lines.join(s.newline)}${s.newline}${indent}}`;
}

function renderYaml(item: Record<string, unknown>, s: Style, indent = ''): string {
  const lines = Object.entries(item).map(([k, v], i) => {
    const name = JSON.stringify(k);
    const above = s.comments && i % 2 === 0 ? `${indent}# above c${commentCount++}${s.newline}` : '';
    const note = s.comments ? ` # c${commentCount++}` : '';
    if (isMapping(v) && Object.keys(v).length > 0 && s.wide) {
      const step = s.unit === '\t' ? '   ' : s.unit;
      return `${above}${indent}${name}:${note}${s.newline}${renderYaml(v, s, indent + step)}`;
    }
    return `${above}${indent}${name}: ${yamlFlow(v)}${note}`;
  });
  return lines.join(s.newline);
}

/** JSON's texts are YAML's; a float with an exponent needs a dot for PyYAML. */
function yamlFlow(item: unknown): string {
  return JSON.stringify(item, (_, v) => v).replace(/(?<=[[,:]|^)(-?\d+)e/g, '$1.0e');
}

function comments(text: string): string[] {
  return (text.match(/c\d+(?: \*\/)?/g) ?? []).sort();
}

interface Sample {
  readonly path: string;
  readonly text: string;
}

function sample(content: Record<string, unknown>, s: Style, format: string): Sample {
  commentCount = 0;
  const path = `x.${format}`;
  return {
    path,
    text:
      format === 'json' ? renderJson(content, s) + s.newline : renderYaml(content, s) + (s.trailing ? s.newline : ''),
  };
}

function mappingsOf(node: Node | undefined): MappingNode[] {
  if (node?.kind !== 'mapping') return [];
  return [node, ...node.entries.flatMap((entry) => mappingsOf(entry.value))];
}

/** Runs an edit on a random mapping of a random file; checks value, comments, line ends. */
function checkEdit(
  edit: (
    file: ReturnType<typeof read>['file'],
    target: MappingNode,
    entry: Entry,
    plain: Record<string, unknown>,
    fresh: unknown,
  ) => FileEdit[] | undefined,
): void {
  fc.assert(
    fc.property(
      mapping,
      style,
      fc.constantFrom('json', 'yaml'),
      fc.nat(),
      fc.nat(),
      value,
      (content, s, format, m, e, fresh) => {
        const { path, text } = sample(content, s, format);
        const { file, root } = read(path, text);
        const before = toPlain(root, 'yaml');
        const targets = mappingsOf(root).filter((node) => node.entries.length > 0);
        const targetIndex = m % targets.length;
        const target = targets[targetIndex];
        const entry = target?.entries[e % target.entries.length];
        if (target === undefined || entry === undefined) return;
        // The expected value is made from the plain values by the same steps.
        const expectedRoot = structuredClone(before);
        const expected = plainMappings(expectedRoot)[targetIndex];
        if (expected === undefined) throw new Error('no plain counterpart');
        const edits = edit(file, target, entry, expected, fresh);
        if (edits === undefined) return;
        expect(edits.length).toBeGreaterThan(0);
        const after = applyEdits(text, edits);
        const again = parseSource(path, after);
        expect(
          again.tree.problems.filter((p) => p.kind !== 'hjson-only'),
          after,
        ).toEqual([]);
        expect(toPlain(again.tree.root, 'yaml'), after).toEqual(expectedRoot);
        const removed = comments(text.slice(entry.start, entry.end));
        expect(comments(after), after).toEqual(
          expect.arrayContaining(comments(text).filter((c) => !removed.includes(c))),
        );
        if (text.includes('\r\n')) expect(after.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
      },
    ),
    { numRuns: 600, seed: 7 },
  );
}

function plainMappings(item: unknown): Record<string, unknown>[] {
  if (!isMapping(item)) return [];
  const below = Object.values(item).flatMap(plainMappings);
  return Object.keys(item).length > 0 ? [item, ...below] : below;
}

describe('a new large number', () => {
  const inserted = (path: string, text: string, value: unknown) =>
    edited(path, text, ({ file, root }) => insertEntry(file, root, 'z', value));

  test.each([
    ['has an exponent beside one', 'x.json', '{ "a": 1e9 }', 5e8, '{ "a": 1e9, "z": 5e8 }'],
    ['has one that PyYAML can read', 'x.yaml', 'a: 1.0e+9\n', 5e8, 'a: 1.0e+9\nz: 5.0e+8\n'],
    ['has none beside a small number with one', 'x.json', '{ "lr": 1e-5 }', 5e8, '{ "lr": 1e-5, "z": 500000000 }'],
    ['has none beside large ones without', 'x.json', '{ "a": 1000000 }', 5e8, '{ "a": 1000000, "z": 500000000 }'],
    ['has none where it is not large', 'x.json', '{ "a": 1e9 }', 16, '{ "a": 1e9, "z": 16 }'],
  ] as const)('%s', (_, path, text, value, expected) => {
    const result = inserted(path, text, value);
    expect(result).toBe(expected);
    expect(toPlain(entryAt(read(path, result).root, 'z').value, path.endsWith('json') ? 'json' : 'yaml')).toBe(value);
  });
});

describe('properties over styles, comments, line ends', () => {
  test('replaceValue changes that value only', () => {
    checkEdit((file, _, entry, plain, fresh) => {
      if (entry.value === undefined) return undefined;
      plain[entry.key] = fresh;
      return replaceValue(file, entry.value, fresh);
    });
  });

  test('removeEntry takes that entry only', () => {
    checkEdit((file, target, entry, plain) => {
      delete plain[entry.key];
      return removeEntry(file, target, entry);
    });
  });

  test('insertEntry adds that entry only', () => {
    checkEdit((file, target, entry, plain, fresh) => {
      plain['new key'] = fresh;
      return insertEntry(file, target, 'new key', fresh, { after: entry });
    });
  });

  test('renameKey changes that key only', () => {
    checkEdit((file, _, entry, plain) => {
      plain.renamed = plain[entry.key];
      delete plain[entry.key];
      return renameKey(file, entry, 'renamed');
    });
  });
});
