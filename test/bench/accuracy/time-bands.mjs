// The residuals that bands of step time are made of: measured ÷ predicted of what the GPUs do, by class of run.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../paths.mjs';
import { quantile, weighted } from './figures.mjs';

export const TIME_CLASSES = ['plain', 'split', 'unfitted', 'unmeasured', 'unseen'];
/** Where the GPUs' own work is less of the step than this, the step says little of it. */
const LEAST_SHARE = 0.5;
/** A class with fewer rows or sources than this borrows from all others. */
const ENOUGH = { rows: 8, sources: 2 };
/** So many rows of one source show its whole spread. */
const MANY = 20;
/** 90 % inside: five in a hundred fall out at each end. */
const TAIL = 0.05;
/** How much wider the unseen is: by what one source shows, and by what other classes show. */
const WIDER = { oneSource: 1.5, otherClasses: 2 };

/** Low and high of each class. */
export function timeBandsOf(rows) {
  const usable = rows.filter(
    ({ what, error, gpu, predicted }) => what === 'time' && error !== undefined && gpu / predicted >= LEAST_SHARE,
  );
  const bands = Object.fromEntries(TIME_CLASSES.map((name) => [name, bandOf(usable, name)]));
  return widerByEvidence(bands, usable);
}

/**
 * The less is known of a chip, the wider. To what stacks differ by comes what chips differ by: one of a generation whose steps were
 * seen may lie as those do, one of another farther off than any of them.
 */
function widerByEvidence(bands, rows) {
  const stack = Math.log(bands.plain.high);
  const shifts = chipShifts(rows);
  const spread = shifts.length === 0 ? 0 : Math.sqrt(shifts.reduce((sum, it) => sum + it * it, 0) / shifts.length);
  const usual = NINE_IN_TEN * spread;
  const most = shifts.length === 0 ? 0 : NINE_IN_TEN * Math.max(...shifts) * (1 + 1 / shifts.length);
  const least = {
    unfitted: Math.hypot(stack, usual),
    unmeasured: Math.hypot(stack, most),
    // Its software differs, too.
    unseen: Math.hypot(WIDER.otherClasses * stack, most),
  };
  const wider = Object.entries(least).map(([name, size]) => {
    const own = bands[name];
    if (Math.log(own.high) >= size) return [name, own];
    return [name, { ...own, low: Math.exp(-size), high: Math.exp(size), borrows: true }];
  });
  return { ...bands, ...Object.fromEntries(wider) };
}

/** Of deviations that are spread normally, nine in ten lie within so many of the usual one. */
const NINE_IN_TEN = 1.645;

/** By generation, how far its steps lie from what is predicted without a constant of its own; of a calibrated one, without those. */
function chipShifts(rows) {
  const byChip = new Map();
  for (const { architecture, class: name, predicted, measured, blind } of rows) {
    const shift = name === 'unfitted' ? measured / predicted : predicted / blind;
    const chip = architecture.replace(/^Grace /, '');
    byChip.set(chip, [...(byChip.get(chip) ?? []), Math.log(shift)]);
  }
  return [...byChip.values()].map((values) => Math.abs(quantile(values, 0.5)));
}

/** Measured ÷ predicted of the GPUs' part, the rest taken as predicted. */
const residualOf = ({ measured, gpu, rest }) => (measured - rest.value) / gpu;

/**
 * As far to both sides as its own residuals go at the farther end: on which side a stack lies that was not seen is not known. Where
 * there are few of them, as far as those of the other classes, too.
 */
function bandOf(rows, name) {
  const own = rows.filter((row) => row.class === name);
  const sources = [...new Set(own.map(({ point }) => point.source))];
  const isEnough = own.length >= ENOUGH.rows && sources.length >= ENOUGH.sources;
  const isFew = sources.length < 2 && own.length < MANY;
  const near = deviation(own) * (isFew ? WIDER.oneSource : unseen(own));
  const others = rows.filter((row) => row.class !== name);
  const far = isEnough ? 0 : deviation(others) * (own.length > 0 ? unseen(others) : WIDER.otherClasses);
  // A step that is twice as long is as far off as one that is half as long.
  const most = Math.max(far, near);
  return { low: Math.exp(-most), high: Math.exp(most), rows: own.length, sources, borrows: !isEnough };
}

/** The next source differs from these as they differ from each other, and the fewer there are the less they show of it. */
function unseen(rows) {
  const sources = new Set(rows.map(({ point }) => point.source)).size;
  return sources === 0 ? 1 : 1 + 1 / sources;
}

function ends(rows) {
  return rows.length === 0
    ? [1, 1]
    : [Math.min(1, weighted(rows, TAIL, residualOf)), Math.max(1, weighted(rows, 1 - TAIL, residualOf))];
}

function deviation(rows) {
  const [low, high] = ends(rows);
  return Math.max(-Math.log(low), Math.log(high));
}

/** Share of each source's steps that the bands of all other sources hold, and how wide those are. */
export function timeHeldBack(rows) {
  const times = rows.filter(({ what, error }) => what === 'time' && error !== undefined);
  const sources = [...new Set(times.map(({ point }) => point.source))];
  return sources.map((source) => {
    const bands = timeBandsOf(times.filter(({ point }) => point.source !== source));
    const own = times.filter(({ point }) => point.source === source).map((row) => held(row, bands));
    const widths = own.map(({ low, high }) => high / low).sort((a, b) => a - b);
    return {
      source,
      rows: own.length,
      inside: own.filter(({ isInside }) => isInside).length,
      width: widths[Math.floor(widths.length / 2)],
    };
  });
}

function held({ measured, gpu, rest, class: name }, bands) {
  const low = gpu * bands[name].low + rest.low;
  const high = gpu * bands[name].high + rest.high;
  return { low, high, isInside: measured >= low && measured <= high };
}

/** Writes them where the estimator reads them. */
export function writeTimeBands(bands, { commit, date }) {
  const file = path.join(root, 'server', 'src', 'core', 'estimate', 'time', 'residuals.ts');
  const entries = TIME_CLASSES.map((name) => {
    const { low, high, rows, sources, borrows } = bands[name];
    const from = rows === 0 ? 'none' : `${rows}: ${sources.join(', ')}`;
    return `  // ${from}${borrows ? '; widened by those of other classes' : ''}
  ${name}: { low: ${Number(low.toFixed(3))}, high: ${Number(high.toFixed(3))} },`;
  });
  writeFileSync(
    file,
    `// Written by \`node test/bench/accuracy/run.mjs --bands\` on ${date} at commit ${commit}, from test/bench/accuracy/points.json.

/** Kinds of run that published step times were found of; \`unfitted\` of a GPU that no constant was fitted on, \`unmeasured\` of a generation without published steps, \`unseen\` of another vendor. */
export type TimeClass = ${TIME_CLASSES.map((name) => `'${name}'`).join(' | ')};

/** Fifth and ninety-fifth percentile of measured ÷ predicted, over what the GPUs do; each source weighs the same. */
export const TIME_RESIDUALS: Readonly<Record<TimeClass, { readonly low: number; readonly high: number }>> = {
${entries.join('\n')}
};
`,
  );
}
