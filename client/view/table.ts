import type { BillTable } from '../../server/src/core/features/bill-table';
import { h } from './elements';

export interface Table {
  readonly caption: string;
  readonly columns: readonly string[];
  /** Indices of columns that hold figures. */
  readonly figures?: readonly number[];
  /** Indices of columns that are not to be made narrow: arithmetic is read in one line. */
  readonly wide?: readonly number[];
  readonly rows: readonly (readonly (string | Node)[])[];
}

/** A table that can be reached and scrolled by keyboard where it is wider than the page. */
export function table({ caption, columns, figures = [], wide = [], rows }: Table): HTMLElement {
  const aligned = (index: number) => (figures.includes(index) ? 'figure' : wide.includes(index) ? 'wide' : undefined);
  const head = columns.map((title, index) => h('th', { scope: 'col', class: aligned(index) }, title));
  const body = rows.map((row) =>
    h(
      'tr',
      {},
      ...row.map((cell, index) =>
        index === 0 ? h('th', { scope: 'row' }, cell) : h('td', { class: aligned(index) }, cell),
      ),
    ),
  );
  return h(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption },
    h('table', {}, h('caption', {}, caption), h('thead', {}, h('tr', {}, ...head)), h('tbody', {}, ...body)),
  );
}

/** A table of the bill, with what is said before it. */
export function billTable({ title, lines, columns, rows }: BillTable): HTMLElement[] {
  const said = [h('h3', {}, title), ...lines.map((line) => h('p', {}, line))];
  if (rows.length === 0) return said;
  const figures = columns.flatMap(({ align }, index) => (align === 'right' ? [index] : []));
  const wide = columns.flatMap((column, index) => (column.title === 'formula' ? [index] : []));
  const shown = table({ caption: title, columns: columns.map((column) => column.title), figures, wide, rows });
  // The heading says it already, to those who see it.
  shown.querySelector('caption')?.classList.add('unseen');
  return [...said, shown];
}

/** What stands behind a summary that is opened by mouse or keyboard; `id` keeps it open when the view is drawn anew. */
export function details(id: string, summary: string, ...children: readonly HTMLElement[]): HTMLElement {
  return h('details', { 'data-id': id }, h('summary', {}, summary), ...children);
}
