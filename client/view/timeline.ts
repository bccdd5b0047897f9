import { axisX, barX, gridX, type Markish, plot, ruleX, text } from '@observablehq/plot';
import type { BreakdownView, StepView } from '../../server/src/core/features/breakdown-view';
import { formatSeconds } from '../../server/src/core/text/format';
import { legend, picture } from './chart';
import { h } from './elements';
import { TIME_GROUPS } from './groups';
import { billTable, details } from './table';
import { type Bar, type Timeline, timelineOf, timelineWords, timeWords } from './timeline-rows';

const ROW = 38;

/** The step from left to right: what adds to it, and what is hidden behind that. */
export function timelineSection({ step, tables, assumptions }: BreakdownView, width: number): HTMLElement[] {
  if (!step) {
    const missing = assumptions.filter(({ what }) => what === 'step time').map(({ because }) => because);
    return [h('p', {}, `The step time cannot be predicted. ${missing.join('; ')}`)];
  }
  const timeline = timelineOf(step);
  const groups = new Set(timeline.terms.map(({ group }) => group));
  const shown = Object.entries(TIME_GROUPS).flatMap(([group, it]) => (groups.has(group as Bar['group']) ? [it] : []));
  const hidden = timeline.bars.some((bar) => bar.hidden)
    ? [{ words: 'hidden beside other work', colour: 'var(--text)', outlined: true }]
    : [];
  return [
    h('p', {}, timelineWords(step)),
    picture(timelinePlot(step, timeline, width), `${timelineWords(step)} The table below lists its terms.`),
    legend([...shown, ...hidden]),
    h(
      'p',
      { class: 'faint' },
      'Filled bars add up to the step. Outlined ones run beside them and add nothing; where in the step they run is drawn for reading, not predicted.',
    ),
    details('step-bill', 'Every term with its time, formula and source', ...tables.step.flatMap(billTable)),
  ];
}

function timelinePlot(step: StepView, { terms, bars }: Timeline, width: number): SVGElement | HTMLElement {
  const labels = terms.map((term, row) => ({ row, text: `${term.label}: ${timeWords(term)}` }));
  const bar = (hidden: boolean) => bars.filter((it) => it.hidden === hidden);
  const shared = { y: 'row', x1: 'from', x2: 'to', title: 'title', insetTop: 16, insetBottom: 6 } as const;
  const colour = ({ group }: Bar) => TIME_GROUPS[group].colour;
  const measured = step.measured?.value;
  const most = Math.max(step.seconds, measured ?? 0, ...bars.map(({ to }) => to));
  return plot({
    width,
    height: 52 + ROW * terms.length,
    marginBottom: 46,
    marginLeft: 8,
    marginRight: 16,
    marginTop: 4,
    x: { domain: [0, most * 1.01], label: 'seconds from the start of the step' },
    y: { domain: terms.map((_, row) => row), axis: null, padding: 0.1 },
    marks: [
      gridX({ stroke: 'var(--faint)', strokeOpacity: 1 }),
      axisX({ tickSize: 0, color: 'var(--text)' }),
      ruleX([step.seconds], { stroke: 'var(--text)', strokeWidth: 1.5 }),
      ...(measured === undefined ? [] : measuredMarks(measured)),
      barX(bar(false), { ...shared, fill: colour, stroke: colour, strokeWidth: 1 }),
      barX(bar(true), { ...shared, fill: 'none', stroke: colour, strokeWidth: 1.5, strokeDasharray: '4 3' }),
      text(labels, {
        y: 'row',
        text: ({ text: words }: { text: string }) => words,
        frameAnchor: 'left',
        dx: 2,
        dy: -10,
        textAnchor: 'start',
        textOverflow: 'ellipsis-end',
        lineWidth: (width - 40) / 11,
        fill: 'var(--text)',
        stroke: 'var(--page)',
        strokeWidth: 4,
      }),
    ],
    color: { type: 'identity' },
  });
}

/** Where the step really ended. */
function measuredMarks(seconds: number): Markish[] {
  return [
    ruleX([seconds], { stroke: 'var(--green)', strokeWidth: 2, strokeDasharray: '6 3' }),
    text([seconds], {
      x: (it: number) => it,
      frameAnchor: 'bottom',
      dy: -4,
      dx: -6,
      textAnchor: 'end',
      text: () => `measured ${formatSeconds(seconds)}`,
      fill: 'var(--text)',
      stroke: 'var(--page)',
      strokeWidth: 4,
    }),
  ];
}
