import type { Estimate } from '../estimate/estimate';
import { formatAbout, formatGib } from '../text/format';

/** What the run would need with another text of the file; undefined where that cannot be said. */
export type EstimateOf = (text: string) => Estimate | undefined;

/** More values than this are a list to search; each costs an analysis of the run. */
const MOST_VALUES = 12;
/** Differences below this share are rounding. */
const SHOWS = 0.005;

/**
 * For each value that could stand between `start` and `end` what the run would need with it, as `18.4 GiB, ≈ 21.0 s/step`;
 * all undefined where the key makes no difference, or too little is known of the run.
 */
export function valueEffects(
  text: string,
  { start, end }: { readonly start: number; readonly end: number },
  values: readonly string[],
  estimateOf: EstimateOf,
): readonly (string | undefined)[] {
  const none = values.map(() => undefined);
  if (values.length < 2 || values.length > MOST_VALUES) return none;
  // One value tells whether anything is known at all.
  const first = estimateOf(text.slice(0, start) + values[0] + text.slice(end));
  if (!first?.memory) return none;
  const estimates = values.map((value, index) =>
    index === 0 ? first : estimateOf(text.slice(0, start) + value + text.slice(end)),
  );
  const differs = (of: (it: Estimate) => number | undefined): boolean => {
    const known = estimates.flatMap((it) => (it && of(it)) ?? []);
    return Math.max(...known) > Math.min(...known) * (1 + SHOWS);
  };
  const matters = differs(({ memory }) => memory?.value) || differs(({ step }) => step?.seconds);
  return matters ? estimates.map((it) => it && words(it)) : none;
}

function words({ memory, step }: Estimate): string | undefined {
  if (!memory) return undefined;
  const undecided = memory.open === undefined ? ' (too close to call)' : ' (cannot be told whether it fits)';
  const fits = memory.fits === false ? ' (does not fit)' : memory.decides ? undecided : '';
  return `${formatGib(memory.value)}${fits}${step ? `, ${formatAbout(step.seconds)}/step` : ''}`;
}
