import { expect, it } from 'vitest';
import { strictJsonFix } from '../../../server/src/core/rules-support/strict-json';
import { parseSource } from '../../../server/src/core/syntax/parse';
import { toPlain } from '../../../server/src/core/syntax/plain';
import { applyEdits } from '../../../server/src/core/text/edit';

/** The text behind the fix of each problem in turn, until none has one. */
function made(text: string): string {
  const file = parseSource('/w/ds.json', text);
  for (const problem of file.tree.problems) {
    const fix = problem.kind === 'hjson-only' ? strictJsonFix(file, problem) : undefined;
    if (fix) return made(applyEdits(text, fix.edits));
  }
  return text;
}

it.each([
  ['{ "a": 1, }', '{ "a": 1 }'],
  ['{ "a": [1, 2,], }', '{ "a": [1, 2] }'],
  ['{\n  "a": 1\n  "b": 2\n}', '{\n  "a": 1,\n  "b": 2\n}'],
  ['{\n  // why\n  "a": 1 // here\n}\n', '{\n  "a": 1\n}\n'],
  ['{ /* why */ "a": 1 }', '{  "a": 1 }'],
  ['{ # why\n "a": 1 }', '{\n "a": 1 }'],
  ["{ 'a': 'b' }", '{ "a": "b" }'],
  ['{ a: 1, b-c: 2 }', '{ "a": 1, "b-c": 2 }'],
])('%j becomes what json.load takes', (before, after) => {
  const text = made(before);
  expect(text).toBe(after);
  expect(JSON.parse(text)).toEqual(toPlain(parseSource('/w/ds.json', before).tree.root, 'hjson'));
});

it.each(['', '{ "a": cpu }', "{ 'it\\'s': 1 }"])('leaves %j alone, whose meaning is not known', (text) => {
  expect(made(text)).toBe(text);
});
