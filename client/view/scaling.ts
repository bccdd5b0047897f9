import { axisX, axisY, dot, gridX, gridY, line, type Markish, plot, ruleX, ruleY, text } from '@observablehq/plot';
import type { BreakdownView } from '../../server/src/core/features/breakdown-view';
import type { Scaling } from '../../server/src/core/recommend/scaling';
import { legend, picture } from './chart';
import { h } from './elements';
import { CURVES, type Plotted, payingWords, plottedOf, SCALING_COLUMNS, scalingCells } from './scaling-rows';
import { details, table } from './table';

/** Curves differ in dashes and marks too, for those who do not see their colours. */
const STYLES = {
  [CURVES.ideal]: { stroke: 'var(--grey)', strokeDasharray: '2 4', strokeWidth: 1.5 },
  [CURVES.growing]: { stroke: 'var(--blue)', strokeWidth: 2 },
  [CURVES.fixed]: { stroke: 'var(--orange)', strokeWidth: 2, strokeDasharray: '8 3' },
} as const;

/** Tokens per second over nodes, with the batch of each GPU kept and with the global batch kept. */
export function scalingSection({ scaling }: BreakdownView, width: number): HTMLElement[] {
  if (!scaling) return [h('p', {}, 'How the run scales is known once its step time is.')];
  const words = payingWords(scaling);
  const hollow = plottedOf(scaling).some(({ fits }) => !fits);
  const figures = SCALING_COLUMNS.map((_, index) => index);
  const curve = (id: string, caption: string, rows: string[][]) =>
    details(id, `${caption}, as a table`, table({ caption, columns: SCALING_COLUMNS, figures, rows }));
  return [
    h('p', {}, words),
    ...scaling.notes.map((note) => h('p', {}, note)),
    picture(ratePlot(scaling, width), `Tokens per second over nodes. ${words} The tables below give every point.`),
    legend(
      Object.entries(STYLES).map(([name, style]) => ({
        words: name,
        colour: style.stroke,
        dashes: 'strokeDasharray' in style ? style.strokeDasharray : '',
      })),
    ),
    picture(efficiencyPlot(scaling, width), 'Efficiency over nodes. The tables below give every point.'),
    ...(hollow ? [h('p', { class: 'faint' }, 'Hollow marks: the run does not fit there.')] : []),
    curve('scaling-fixed', 'Global batch kept', scalingCells(scaling.fixed)),
    curve('scaling-growing', 'Batch grows with the nodes', scalingCells(scaling.growing)),
  ];
}

function ratePlot(scaling: Scaling, width: number): SVGElement | HTMLElement {
  const points = plottedOf(scaling);
  const { paysUntil } = scaling;
  const most = Math.max(...points.map(({ nodes }) => nodes));
  const isLate = paysUntil !== null && paysUntil ** 2 > most;
  return plot({
    ...frame(width, 280),
    y: { type: 'log', label: 'tokens/s' },
    marks: [
      ...axes(scaling, { ticks: 4, tickFormat: 's' }),
      ...(paysUntil === null
        ? []
        : [
            ruleX([paysUntil], { stroke: 'var(--text)', strokeDasharray: '4 3' }),
            text([paysUntil], {
              x: (it: number) => it,
              frameAnchor: 'top',
              // Inside the frame and towards its middle, where it has room on either side.
              dy: 8,
              dx: isLate ? -6 : 6,
              textAnchor: isLate ? 'end' : 'start',
              text: () => 'global batch pays up to here',
              fill: 'var(--text)',
              stroke: 'var(--page)',
              strokeWidth: 4,
            }),
          ]),
      ...curves(points, 'tokensPerSecond'),
    ],
  });
}

function efficiencyPlot(scaling: Scaling, width: number): SVGElement | HTMLElement {
  const points = plottedOf(scaling).filter(({ curve }) => curve !== CURVES.ideal);
  const most = Math.max(1, ...points.map(({ efficiency }) => efficiency));
  return plot({
    ...frame(width, 190),
    y: { domain: [0, most * 1.05], label: 'efficiency' },
    marks: [
      ...axes(scaling, { ticks: 4, tickFormat: (share: number) => `${Math.round(share * 100)} %` }),
      ruleY([1], STYLES[CURVES.ideal]),
      ...curves(points, 'efficiency'),
    ],
  });
}

function frame(width: number, height: number) {
  return {
    width,
    height,
    marginBottom: 46,
    marginLeft: 64,
    marginRight: 24,
    marginTop: 26,
    x: { type: 'log', base: 2, label: 'nodes' },
    color: { type: 'identity' },
  } as const;
}

function axes({ growing }: Scaling, y: { ticks: number; tickFormat: string | ((it: number) => string) }): Markish[] {
  const nodes = growing.points.map((point) => point.nodes);
  const plain = { tickSize: 0, color: 'var(--text)' };
  const grid = { stroke: 'var(--faint)', strokeOpacity: 1 };
  return [
    gridX({ ticks: nodes, ...grid }),
    gridY({ ticks: y.ticks, ...grid }),
    axisX({ ticks: nodes, tickFormat: String, ...plain }),
    axisY({ ...y, ...plain }),
  ];
}

function curves(points: readonly Plotted[], y: 'tokensPerSecond' | 'efficiency'): Markish[] {
  const of = (name: string) => points.filter(({ curve }) => curve === name);
  const lines = Object.entries(STYLES).map(([name, style]) => line(of(name), { x: 'nodes', y, ...style }));
  const mark = { x: 'nodes', y, title: 'title' } as const;
  return [
    ...lines,
    dot(of(CURVES.growing), { ...mark, ...marked(CURVES.growing), r: 4 }),
    dot(of(CURVES.fixed), { ...mark, ...marked(CURVES.fixed), r: 5, symbol: 'square' }),
  ];
}

/** Where the run does not fit, its mark is hollow. */
function marked(name: keyof typeof STYLES) {
  const { stroke } = STYLES[name];
  return { stroke, strokeWidth: 1.5, fill: ({ fits }: Plotted) => (fits ? stroke : 'var(--page)') };
}
