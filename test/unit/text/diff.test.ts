import fc from 'fast-check';
import { expect, it } from 'vitest';
import { editsBetween } from '../../../server/src/core/text/diff';
import { applyEdits } from '../../../server/src/core/text/edit';

it('leads from one text to the other', () => {
  const line = fc.constantFrom('a', 'b', 'c: 1', '  d: 2', '');
  const text = fc.tuple(fc.array(line, { maxLength: 12 }), fc.constantFrom('', '\n', '\r\n'));
  fc.assert(
    fc.property(text, text, ([a, endA], [b, endB]) => {
      const [from, to] = [a.join('\n') + endA, b.join('\n') + endB];
      const edits = editsBetween(from, to);
      expect(applyEdits(from, edits)).toBe(to);
      // Sorted and apart, so that an editor can apply them as one change.
      for (const [index, edit] of edits.entries())
        expect(edit.start).toBeGreaterThanOrEqual(edits[index - 1]?.end ?? 0);
    }),
    { numRuns: 500 },
  );
});

it('touches only the lines that differ', () => {
  const from = 'a: 1\nb: 2 # keep\nc: 3\nd: 4\n';
  expect(editsBetween(from, 'a: 9\nb: 2 # keep\nc: 3\nd: 4\ne: 5\n')).toEqual([
    { start: 0, end: 5, newText: 'a: 9\n' },
    { start: 27, end: 27, newText: 'e: 5\n' },
  ]);
});

it('has nothing to do between equal texts', () => {
  expect(editsBetween('a\nb', 'a\nb')).toEqual([]);
});
