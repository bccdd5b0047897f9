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

describe('colours', () => {
  it('are used on a terminal only, and never against NO_COLOR or on a dumb one', () => {
    expect(coloursFor({ isTTY: true }, {}).error('x')).toBe('\u001b[31mx\u001b[0m');
    expect(coloursFor({ isTTY: true }, { NO_COLOR: '1' }).error('x')).toBe('x');
    expect(coloursFor({ isTTY: true }, { TERM: 'dumb' }).error('x')).toBe('x');
    expect(coloursFor({}, {}).error('x')).toBe('x');
  });
});
