/** A table of the bill. The first column is text, the others are aligned as told. */
export interface BillTable {
  readonly title: string;
  /** Said before the table, one sentence each. */
  readonly lines: readonly string[];
  readonly columns: readonly { readonly title: string; readonly align: 'left' | 'right' }[];
  readonly rows: readonly (readonly string[])[];
}

/** A column of words. */
export const TEXT = (title: string) => ({ title, align: 'left' }) as const;
/** A column of figures. */
export const NUMBER = (title: string) => ({ title, align: 'right' }) as const;

/** A table as Markdown. */
export function markdownTable({ columns, rows }: BillTable): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [
    line(columns.map(({ title }) => title)),
    `|${columns.map(({ align }) => (align === 'right' ? '--:' : ':--')).join('|')}|`,
    ...rows.map(line),
  ].join('\n');
}
