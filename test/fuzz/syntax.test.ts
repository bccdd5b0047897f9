import fc from 'fast-check';
import { expect, test } from 'vitest';
import { recognise } from '../../server/src/core/dialects/index';
import { removeEntry, replaceValue, setPath } from '../../server/src/core/syntax/editing';
import type { Node, Tree } from '../../server/src/core/syntax/node';
import { parseSource } from '../../server/src/core/syntax/parse';
import { toPlain } from '../../server/src/core/syntax/plain';
import { decode } from '../../server/src/core/text/decode';
import { applyEdits } from '../../server/src/core/text/edit';

const SEEDS: readonly (readonly [string, string])[] = [
  [
    '/w/ds.json',
    '{\n  "zero_optimization": {\n    "stage": 3, // c\n    "offload_param": {"device": "cpu"}\n  },\n  "bf16": {"enabled": true},\n  "betas": [0.9, 1e-8, "auto"]\n}\n',
  ],
  [
    '/w/t.yaml',
    '# c\nmodel_name_or_path: a/b\nlearning_rate: 2.0e-05\nfsdp_config: {version: 2, x: [1, \'a\']}\ndeepspeed:\n  bf16: &x\n    enabled: yes\n  fp16: *x\nchat_template: |\n  {{ a }}\n  b\nlist:\n- a: 1\n  b: "q"\n-\n',
  ],
  ['/w/a_template.json', '{"a": CONFIG, "b": {{ x }}, c: \'d\', "e": cpu,\n# f\n"g": """}\n'],
  ['/w/m.yaml', 'a: &a {p: 1}\nb:\n  <<: *a\n  q: 2\n? k\n: v\n---\nz: 1\n'],
];

const PIECES = [
  '{',
  '}',
  '[',
  ']',
  ':',
  ',',
  '"',
  "'",
  '#',
  '//',
  '/*',
  '*/',
  '\n',
  '\r\n',
  '\t',
  '  ',
  '- ',
  '&a',
  '*a',
  '<<: ',
  '|',
  '>',
  '\\',
  '\0',
  '\ud800',
  '\ufeff',
  '\u00a0',
  '\u2028',
  '${',
  '}}',
  '{{',
  '!!int ',
  '---\n',
  '? ',
  'é',
  '1e400',
  '%',
];

/** A seed with pieces put in, spans cut out and spans moved. */
const mutated = fc
  .tuple(
    fc.constantFrom(...SEEDS),
    fc.array(fc.tuple(fc.nat(3), fc.nat(), fc.nat(30), fc.constantFrom(...PIECES)), { minLength: 1, maxLength: 6 }),
  )
  .map(([[path, seed], steps]) => {
    let text = seed;
    for (const [kind, where, length, piece] of steps) {
      const at = where % (text.length + 1);
      if (kind === 0) text = text.slice(0, at) + piece + text.slice(at);
      else if (kind === 1) text = text.slice(0, at) + text.slice(at + length);
      else if (kind === 2) text = text.slice(0, at);
      else text = text.slice(at) + text.slice(0, at);
    }
    return { path, text };
  });

/** Spans lie in the text and, for nodes, inside what holds them; aliases and merged entries stand elsewhere. */
function checkTree(tree: Tree, text: string): void {
  for (const problem of tree.problems) {
    expect(problem.start).toBeGreaterThanOrEqual(0);
    expect(problem.end).toBeGreaterThanOrEqual(problem.start);
    expect(problem.end).toBeLessThanOrEqual(text.length);
    expect(problem.message).toMatch(/^[^\n]+\.$/);
  }
  checkNode(tree.root, text);
}

function checkNode(node: Node | undefined, text: string): void {
  if (node === undefined) return;
  if (node.start < 0 || node.end < node.start || node.end > text.length)
    throw new Error(`span ${node.start}-${node.end}`);
  if (node.kind === 'scalar' && node.raw !== text.slice(node.start, node.end)) throw new Error('raw is not the text');
  if (node.kind === 'sequence') for (const item of node.items) checkNode(item, text);
  if (node.kind === 'mapping') {
    for (const entry of node.entries) {
      checkNode(entry.keyNode, text);
      checkNode(entry.value, text);
    }
  }
}

test('any text is read, recognised and edited without a throw', () => {
  fc.assert(
    fc.property(mutated, ({ path, text }) => {
      const file = parseSource(path, text);
      checkTree(file.tree, text);
      toPlain(file.tree.root, 'yaml');
      recognise(file);
      const root = file.tree.root;
      if (root?.kind !== 'mapping') return;
      applyEdits(text, setPath(file, root, 'zero_optimization.stage', 2));
      for (const entry of root.entries) {
        applyEdits(text, removeEntry(file, root, entry));
        if (entry.value !== undefined) applyEdits(text, replaceValue(file, entry.value, { a: 1 }));
      }
    }),
    { numRuns: 4000, seed: 11 },
  );
});

test('any bytes are decoded or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom('/w/x.json', '/w/x.yaml'), (bytes, path) => {
      const decoded = decode(bytes);
      if (decoded.ok) checkTree(parseSource(path, decoded.text).tree, decoded.text);
    }),
    { numRuns: 2000, seed: 12 },
  );
});

test('the same text gives the same tree', () => {
  fc.assert(
    fc.property(mutated, ({ path, text }) => {
      expect(parseSource(path, text).tree).toEqual(parseSource(path, text).tree);
    }),
    { numRuns: 300, seed: 13 },
  );
});
