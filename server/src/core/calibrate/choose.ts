import { basename } from '../paths';
import { FIGURES } from './measurement';
import type { Figure, Reading, Sample } from './samples';

/** Figures of one run, and what of the readings could not be used. */
export interface Chosen {
  readonly figures: Readonly<Partial<Record<Figure, Sample>>>;
  readonly unread: Reading['unread'];
}

/**
 * One sample for each figure. A peak of memory is the largest that was seen; a lower bound counts where there is no peak.
 * Of the seconds, those that leave the least open are taken.
 */
export function chooseFigures({ samples, unread }: Reading): Chosen {
  const figures: Partial<Record<Figure, Sample>> = {};
  const notes = [...unread];
  for (const figure of FIGURES) {
    const own = samples.filter((it) => it.figure === figure);
    const peaks = own.filter(({ bound }) => bound === 'peak');
    const [first, ...rest] = peaks.length > 0 ? peaks : own;
    if (!first) continue;
    const better = figure === 'seconds' ? isFiner : isMore;
    const top = rest.reduce((best, it) => (better(it, best) ? it : best), first);
    const beyond = own.find((it) => it.bound === 'at-least' && it.low > top.high && it.figure !== 'seconds');
    figures[figure] = beyond ? own.reduce((best, it) => (isMore(it, best) ? it : best), first) : top;
  }
  dropImpossible(figures, notes);
  return { figures, unread: notes };
}

function isMore(a: Sample, b: Sample): boolean {
  return a.value > b.value || (a.value === b.value && a.high - a.low < b.high - b.low);
}

function isFiner(a: Sample, b: Sample): boolean {
  return (a.high - a.low) / a.value < (b.high - b.low) / b.value;
}

/** Allocated ≤ reserved ≤ what the driver sees, at the same time: a peak below is of another moment or another process. */
function dropImpossible(figures: Partial<Record<Figure, Sample>>, notes: Reading['unread'][number][]): void {
  const check = (smaller: Figure, larger: Figure): void => {
    const [a, b] = [figures[smaller], figures[larger]];
    if (!a || !b || b.high >= a.low) return;
    delete figures[larger];
    const because = `it is less than what is ${smaller} (${placeOf(a)}), so it is of another moment or process`;
    notes.push({ what: `memory ${larger === 'driver' ? 'in use' : larger}`, because, at: b.at });
  };
  check('allocated', 'reserved');
  check('reserved', 'driver');
  check('allocated', 'driver');
  const [reserved, driver] = [figures.reserved, figures.driver];
  // The allocator keeps what it reserved, so one look that shows at least that was after the peak.
  const isAfter = reserved?.bound === 'peak' && driver?.bound === 'at-least' && driver.low >= reserved.high;
  if (isAfter && driver.basis.startsWith('one state')) figures.driver = { ...driver, bound: 'peak' };
}

/** `run.log:123`. */
export function placeOf({ at }: Pick<Sample, 'at'>): string {
  return `${basename(at.path)}:${at.line}`;
}
