import fc from 'fast-check';
import { expect, it } from 'vitest';
import { difference } from '../../../server/src/core/text/difference';
import { applyEdits } from '../../../server/src/core/text/edit';

const text = fc
  .array(fc.constantFrom('a\n', 'b\n', 'ab\r\n', '\n', 'c', '\ud83d\ude00\n', '\ud83d\ude01\n', 'long line\n'), {
    maxLength: 30,
  })
  .map((lines) => lines.join(''));

it('makes the second text of the first', () => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      expect(applyEdits(before, difference(before, after))).toBe(after);
    }),
    { numRuns: 3000, seed: 21 },
  );
});

it('leaves alone what both have', () => {
  expect(difference('a\nb: 1\nc\n', 'a\nb: 2\nc\n')).toEqual([{ start: 5, end: 6, newText: '2' }]);
  expect(difference('a\nb\nc\nd\n', 'a\nc\nx\nd\n')).toEqual([
    { start: 2, end: 4, newText: '' },
    { start: 6, end: 6, newText: 'x\n' },
  ]);
  expect(difference('a\n', 'a\n')).toEqual([]);
});

it('does not cut a character or a line end in two', () => {
  expect(difference('x\ud83d\ude00', 'x\ud83d\ude01')).toEqual([{ start: 1, end: 3, newText: '\ud83d\ude01' }]);
  expect(difference('x\r\n', 'x\n')).toEqual([{ start: 1, end: 3, newText: '\n' }]);
});
