import { axisX, axisY, barX, gridX, plot, ruleX, text } from '@observablehq/plot';
import type { BreakdownView, MemoryView, PhaseView } from '../../server/src/core/features/breakdown-view';
import { formatGib } from '../../server/src/core/text/format';
import { legend, picture } from './chart';
import { h, withCode } from './elements';
import { MEMORY_GROUPS } from './groups';
import { groupsIn, memoryCells, memoryWords, segmentsOf } from './memory-rows';
import { billTable, details, table } from './table';

const GIB = 1024 ** 3;
const MARGINS = { left: 46, right: 16 };
/** Width of `47.1 GiB` with the gap before it. */
const FIGURE = 64;

/** Stacked bars of what lies in GPU memory in each phase, against what the GPU has. */
export function memorySection({ memory, tables, assumptions }: BreakdownView, width: number): HTMLElement[] {
  const bill = tables.memory.flatMap(billTable);
  if (!memory) {
    const missing = assumptions
      .filter(({ value }) => value === 'not known')
      .map(({ what, because }) => `${what}: ${because}`);
    return [h('p', {}, `Memory cannot be predicted. ${missing.join('; ')}`), ...bill];
  }
  const { columns, rows } = memoryCells(memory);
  const figures = columns.map((_, index) => index).slice(2);
  return [
    h('p', {}, memoryWords(memory)),
    picture(memoryPlot(memory, width), memoryWords(memory)),
    legend(groupsIn(memory).map((group) => MEMORY_GROUPS[group])),
    ...largestList(memory),
    details(
      'memory-phases',
      'The bars as a table',
      table({ caption: 'Memory per GPU by phase', columns, figures, rows }),
    ),
    details('memory-bill', 'Every term with its formula and source', ...bill),
  ];
}

/** The largest terms, each with what makes it smaller. */
function largestList({ largest }: MemoryView): HTMLElement[] {
  if (largest.length === 0) return [];
  return [
    h('h3', {}, 'What would make it smaller'),
    h('ul', {}, ...largest.map((words) => h('li', {}, ...withCode(words)))),
  ];
}

function memoryPlot(memory: MemoryView, width: number): SVGElement | HTMLElement {
  const segments = segmentsOf(memory);
  const { capacity, low, high, peak } = memory;
  const longest = Math.max(high, ...memory.phases.map(({ bytes }) => bytes)) / GIB;
  // The figure beside the longest bar needs room too.
  const most = Math.max(longest / (1 - FIGURE / (width - MARGINS.left - MARGINS.right)), (capacity ?? 0) / GIB);
  const band = [{ phase: peak, low: low / GIB, high: high / GIB }];
  return plot({
    width,
    height: 72 + 40 * memory.phases.length,
    marginBottom: 46,
    marginLeft: MARGINS.left,
    marginRight: MARGINS.right,
    marginTop: 26,
    x: { domain: [0, most * 1.02], label: 'GiB per GPU' },
    y: { domain: memory.phases.map(({ phase }) => phase), padding: 0.3, label: null },
    marks: [
      gridX({ stroke: 'var(--faint)', strokeOpacity: 1 }),
      axisX({ tickSize: 0, color: 'var(--text)' }),
      axisY({ tickSize: 0, color: 'var(--text)', label: null }),
      barX(segments, {
        y: 'phase',
        x1: 'fromGib',
        x2: 'toGib',
        fill: ({ group }: (typeof segments)[number]) => MEMORY_GROUPS[group].colour,
        stroke: 'var(--page)',
        strokeWidth: 1,
        title: 'title',
      }),
      // The band of the phase that decides: 90 % of runs are expected inside.
      barX(band, {
        y: 'phase',
        x1: 'low',
        x2: 'high',
        fill: 'none',
        stroke: 'var(--text)',
        strokeDasharray: '4 3',
        insetTop: -4,
        insetBottom: -4,
        title: () => `band: ${formatGib(low)} to ${formatGib(high)}`,
      }),
      text(memory.phases, {
        y: 'phase',
        x: ({ phase, bytes }: PhaseView) => Math.max(bytes, phase === peak ? high : 0) / GIB,
        text: ({ bytes }: PhaseView) => formatGib(bytes),
        textAnchor: 'start',
        dx: 6,
        fill: 'var(--text)',
        stroke: 'var(--page)',
        strokeWidth: 4,
      }),
      ...(capacity === null
        ? []
        : [
            ruleX([capacity / GIB], { stroke: 'var(--text)', strokeWidth: 2 }),
            text([capacity / GIB], {
              x: (it: number) => it,
              frameAnchor: 'top',
              dy: -14,
              textAnchor: 'end',
              text: () => `${formatGib(capacity)} usable`,
              fill: 'var(--text)',
            }),
          ]),
    ],
    color: { type: 'identity' },
  });
}
