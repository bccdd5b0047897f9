/** A column of a table: how its cells are aligned. */
export interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
}

const GAP = '  ';

/** Texts are not made narrower than this; below it a line is left longer than the terminal. */
const LEAST_WIDTH = 24;

/** Width of what is printed: the terminal's, but never so wide that the eye loses the line. */
export function widthFor({ isTTY, columns }: { readonly isTTY?: boolean; readonly columns?: number }): number {
  return isTTY && columns ? Math.min(Math.max(columns, 80), WIDEST) : WIDEST;
}

const WIDEST = 160;

/**
 * Rows as aligned text, the titles first; each line starts with `indent`. Where a row is wider than `width`, the widest texts go on
 * below, at the beginning of their column.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  { indent = '  ', width = Number.POSITIVE_INFINITY }: { readonly indent?: string; readonly width?: number } = {},
): string {
  const lines = [columns.map(({ title }) => title), ...rows];
  const natural = columns.map((_, index) => Math.max(...lines.map((line) => widthOf(line[index] ?? ''))));
  const widths = narrowed(columns, natural, width - indent.length);
  return lines.map((line) => rowText(columns, line, widths, indent)).join('');
}

/** Takes the missing width from the widest texts; numbers keep theirs. */
function narrowed(columns: readonly Column[], natural: readonly number[], width: number): number[] {
  const widths = [...natural];
  let excess = widths.reduce((sum, it) => sum + it, GAP.length * (widths.length - 1)) - width;
  while (excess > 0) {
    const texts = columns.flatMap(({ align }, index) => (align === 'left' ? [index] : []));
    const widest = texts.reduce(
      (best, index) => ((widths[index] ?? 0) > (widths[best] ?? 0) ? index : best),
      texts[0] ?? 0,
    );
    const now = widths[widest] ?? 0;
    if (now <= LEAST_WIDTH) break;
    const second = Math.max(
      LEAST_WIDTH,
      ...texts.filter((index) => index !== widest).map((index) => widths[index] ?? 0),
    );
    const cut = Math.min(excess, Math.max(1, now - second));
    widths[widest] = now - cut;
    excess -= cut;
  }
  return widths;
}

function rowText(
  columns: readonly Column[],
  row: readonly string[],
  widths: readonly number[],
  indent: string,
): string {
  const cells = columns.map((_, index) => wrapped(row[index] ?? '', widths[index] ?? 0));
  const height = Math.max(...cells.map((lines) => lines.length));
  let text = '';
  for (let at = 0; at < height; at++) {
    const line = columns.map(({ align }, index) => pad(cells[index]?.[at] ?? '', widths[index] ?? 0, align)).join(GAP);
    text += `${indent}${line}`.trimEnd().concat('\n');
  }
  return text;
}

/** The lines of a text that is at most `width` wide, broken between words; a longer word stands alone. */
export function wrapped(text: string, width: number): string[] {
  if (widthOf(text) <= width) return [text];
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function pad(cell: string, width: number, align: Column['align']): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(cell)));
  return align === 'right' ? space + cell : cell + space;
}

/** Counted by character, not by UTF-16 unit; our own words hold no wide ones. */
function widthOf(cell: string): number {
  return [...cell].length;
}
