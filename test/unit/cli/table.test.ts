import { describe, expect, it } from 'vitest';
import { coloursFor } from '../../../server/src/cli/colour';
import { table } from '../../../server/src/cli/table';

describe('table', () => {
  it('aligns by character, numbers to the right, without spaces at the end', () => {
    const columns = [
      { title: 'what', align: 'left' },
      { title: 'GiB', align: 'right' },
    ] as const;
    expect(
      table(columns, [
        ['a × b', '1.5'],
        ['moments', '12.25'],
        ['x', ''],
      ]),
    ).toBe('  what       GiB\n  a × b      1.5\n  moments  12.25\n  x\n');
  });
});

describe('a table wider than the terminal', () => {
  const columns = [
    { title: 'term', align: 'left' },
    { title: 'GiB', align: 'right' },
    { title: 'formula', align: 'left' },
  ] as const;
  const formula = '2 B × 8,030,261,248 parameters ÷ 16 ranks, gathered one block at a time';

  it('goes on below in its widest column, numbers whole', () => {
    expect(table(columns, [['weights', '0.93', formula]], { width: 60 })).toBe(
      [
        '  term      GiB  formula',
        '  weights  0.93  2 B × 8,030,261,248 parameters ÷ 16 ranks,',
        '                 gathered one block at a time',
        '',
      ].join('\n'),
    );
  });

  it('leaves a word that is too long whole, and ends when nothing can be narrower', () => {
    const lines = table(columns, [['weights', '0.93', 'x'.repeat(90)]], { width: 20 }).split('\n');
    expect(lines[1]).toBe(`  weights  0.93  ${'x'.repeat(90)}`);
  });
});

describe('colours', () => {
  it('are used on a terminal only, and never against NO_COLOR or on a dumb one', () => {
    expect(coloursFor({ isTTY: true }, {}).error('x')).toBe('\u001b[31mx\u001b[0m');
    expect(coloursFor({ isTTY: true }, { NO_COLOR: '1' }).error('x')).toBe('x');
    expect(coloursFor({ isTTY: true }, { TERM: 'dumb' }).error('x')).toBe('x');
    expect(coloursFor({}, {}).error('x')).toBe('x');
  });
});
