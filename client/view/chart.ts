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

/** Colours with their words; `outlined` is what runs beside other work. */
export function legend(
  entries: readonly { readonly words: string; readonly colour: string; readonly outlined?: boolean }[],
): HTMLElement {
  const items = entries.map(({ words, colour, outlined }) => {
    const mark = outlined
      ? s('rect', { x: 1, y: 1, width: 12, height: 10, fill: 'none', stroke: colour, 'stroke-dasharray': '3 2' })
      : s('rect', { x: 0, y: 0, width: 14, height: 12, fill: colour });
    return h('li', {}, s('svg', { width: 14, height: 12, 'aria-hidden': 'true' }, mark), words);
  });
  return h('ul', { class: 'legend' }, ...items);
}
