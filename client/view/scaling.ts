import { axisX, axisY, dot, gridX, gridY, line, plot, ruleX, text } from '@observablehq/plot';
import type { BreakdownView } from '../../server/src/core/features/breakdown-view';
import type { Scaling } from '../../server/src/core/recommend/scaling';
import { picture } from './chart';
import { h } from './elements';
import { CURVES, type Plotted, payingWords, plottedOf, SCALING_COLUMNS, scalingCells } from './scaling-rows';
import { details, table } from './table';

const COLOURS: Readonly<Record<string, string>> = {
  [CURVES.growing]: 'var(--blue)',
  [CURVES.fixed]: 'var(--orange)',
  [CURVES.ideal]: 'var(--grey)',
};

/** Tokens per second over nodes, with the batch of each GPU kept and with the global batch kept. */
export function scalingSection({ scaling }: BreakdownView, width: number): HTMLElement[] {
  if (!scaling) return [h('p', {}, 'How the run scales is known once its step time is.')];
  const words = payingWords(scaling);
  const figures = SCALING_COLUMNS.map((_, index) => index);
  const curve = (caption: string, rows: string[][]) => table({ caption, columns: SCALING_COLUMNS, figures, rows });
  return [
    h('p', {}, words),
    ...scaling.notes.map((note) => h('p', {}, note)),
    picture(
      scalingPlot(scaling, width),
      `Tokens per second on 1 to 64 nodes. ${words} The tables below give every point.`,
    ),
    details('scaling-fixed', 'Global batch kept, as a table', curve('Global batch kept', scalingCells(scaling.fixed))),
    details(
      'scaling-growing',
      'Batch grows with the nodes, as a table',
      curve('Batch of each GPU kept', scalingCells(scaling.growing)),
    ),
  ];
}

function scalingPlot(scaling: Scaling, width: number): SVGElement | HTMLElement {
  const points = plottedOf(scaling);
  const of = (name: string) => points.filter(({ curve }) => curve === name);
  const colour = ({ curve }: Plotted) => COLOURS[curve] ?? 'var(--text)';
  const { paysUntil } = scaling;
  return plot({
    width,
    height: 300,
    marginLeft: 64,
    marginRight: 24,
    marginTop: 24,
    x: { type: 'log', base: 2, label: 'nodes' },
    y: { type: 'log', label: 'tokens/s' },
    marks: [
      gridX({ ticks: scaling.growing.points.map(({ nodes }) => nodes), stroke: 'var(--faint)', strokeOpacity: 1 }),
      gridY({ ticks: 4, stroke: 'var(--faint)', strokeOpacity: 1 }),
      axisX({
        ticks: scaling.growing.points.map(({ nodes }) => nodes),
        tickFormat: String,
        tickSize: 0,
        color: 'var(--text)',
      }),
      axisY({ ticks: 4, tickFormat: 's', tickSize: 0, color: 'var(--text)' }),
      ...(paysUntil === null
        ? []
        : [
            ruleX([paysUntil], { stroke: 'var(--text)', strokeDasharray: '4 3' }),
            text([paysUntil], {
              x: (it: number) => it,
              frameAnchor: 'top',
              dy: -14,
              text: () => 'fixed batch pays up to here',
              fill: 'var(--text)',
            }),
          ]),
      line(of(CURVES.ideal), {
        x: 'nodes',
        y: 'tokensPerSecond',
        stroke: colour,
        strokeDasharray: '2 4',
        strokeWidth: 1.5,
      }),
      line(of(CURVES.growing), { x: 'nodes', y: 'tokensPerSecond', stroke: colour, strokeWidth: 2 }),
      line(of(CURVES.fixed), {
        x: 'nodes',
        y: 'tokensPerSecond',
        stroke: colour,
        strokeWidth: 2,
        strokeDasharray: '8 3',
      }),
      dot(of(CURVES.growing), { x: 'nodes', y: 'tokensPerSecond', fill: colour, r: 4, title: 'title' }),
      dot(of(CURVES.fixed), { x: 'nodes', y: 'tokensPerSecond', fill: colour, r: 5, symbol: 'square', title: 'title' }),
      nameOf(of(CURVES.ideal), -12),
      nameOf(of(CURVES.growing), 16),
      nameOf(of(CURVES.fixed), 16),
    ],
    color: { type: 'identity' },
  });
}

/** A curve's name at its end. */
function nameOf(points: readonly Plotted[], dy: number) {
  return text(points.slice(-1), {
    x: 'nodes',
    y: 'tokensPerSecond',
    text: 'curve',
    textAnchor: 'end',
    dy,
    fill: 'var(--text)',
    stroke: 'var(--page)',
    strokeWidth: 4,
  });
}
