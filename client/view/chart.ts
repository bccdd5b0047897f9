import { h, s } from './elements';

/**
 * Puts a plot on the page as one picture with words. Plot writes a style sheet into its SVG, which the page's security
 * policy would refuse, so it goes before it gets there; breakdown.css says the same.
 */
export function picture(plot: SVGElement | HTMLElement, words: string): HTMLElement {
  for (const style of plot.querySelectorAll('style')) style.remove();
  plot.setAttribute('role', 'img');
  plot.setAttribute('aria-label', words);
  plot.classList.add('chart');
  return h('div', { class: 'picture' }, plot);
}

export interface LegendEntry {
  readonly words: string;
  readonly colour: string;
  /** What runs beside other work. */
  readonly outlined?: boolean;
  /** A line with these dashes, instead of an area; an empty text for one without. */
  readonly dashes?: string;
}

/** Colours with their words. */
export function legend(entries: readonly LegendEntry[]): HTMLElement {
  const items = entries.map(({ words, colour, outlined, dashes }) => {
    if (dashes !== undefined) return legendItem(lineMark(colour, dashes), words, 28);
    const mark = outlined
      ? s('rect', { x: 1, y: 1, width: 12, height: 10, fill: 'none', stroke: colour, 'stroke-dasharray': '3 2' })
      : s('rect', { x: 0, y: 0, width: 14, height: 12, fill: colour });
    return legendItem(mark, words, 14);
  });
  return h('ul', { class: 'legend' }, ...items);
}

function lineMark(colour: string, dashes: string): SVGElement {
  return s('line', { x1: 0, x2: 28, y1: 6, y2: 6, stroke: colour, 'stroke-width': 2, 'stroke-dasharray': dashes });
}

function legendItem(mark: SVGElement, words: string, width: number): HTMLElement {
  return h('li', {}, s('svg', { width, height: 12, 'aria-hidden': 'true' }, mark), words);
}
