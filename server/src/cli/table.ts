/** A column of a table: how its cells are aligned. */
export interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
}

const GAP = '  ';

/** Rows as aligned text, the titles first; each line starts with `indent`. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], indent = '  '): string {
  const lines = [columns.map(({ title }) => title), ...rows];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => widthOf(line[index] ?? ''))));
  const text = lines.map((line) =>
    columns
      .map(({ align }, index) => pad(line[index] ?? '', widths[index] ?? 0, align))
      .join(GAP)
      .trimEnd(),
  );
  return text.map((line) => `${indent}${line}\n`).join('');
}

function pad(cell: string, width: number, align: Column['align']): string {
  const space = ' '.repeat(width - widthOf(cell));
  return align === 'right' ? space + cell : cell + space;
}

/** Counted by character, not by UTF-16 unit; our own words hold no wide ones. */
function widthOf(cell: string): number {
  return [...cell].length;
}
