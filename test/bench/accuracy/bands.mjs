// The residuals that bands are made of: measured ÷ predicted of what comes and goes, by class, from the benchmark's own points.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../paths.mjs';
import { weighted } from './figures.mjs';

export const CLASSES = ['plain', 'compiled', 'streams', 'quantised', 'split'];
/** Below this, a residual says nothing: a rounding of the source is as large. GiB that come and go. */
const LEAST = 1;
/** A class with fewer rows or sources than this borrows from all others. */
const ENOUGH = { rows: 8, sources: 2 };
/** So many rows of one source show its whole spread. */
const MANY = 20;
/** 90 % inside: five in a hundred fall out at each end. */
const TAIL = 0.05;

/** Low and high of each class: `counted` from allocated figures, `reserved` from reserved and driver figures. */
export function bandsOf(rows) {
  const usable = rows.filter(
    ({ what, residual, moving }) => what === 'memory' && residual !== undefined && moving >= LEAST,
  );
  const counted = usable.filter(({ kind }) => kind === 'allocated');
  const reserved = usable.filter(({ kind }) => kind !== 'allocated');
  return Object.fromEntries(
    CLASSES.map((name) => [name, { counted: bandOf(counted, name), reserved: bandOf(reserved, name) }]),
  );
}

/** Classes that are harder than the rest say nothing of it. */
const HARDER = new Set(['compiled', 'split']);
/** How much wider the unseen is: by what one source shows, and by what other classes show. */
const WIDER = { oneSource: 1.5, otherClasses: 2 };

/** Its own residuals where there are enough; else both ends as far as the wider of its own and the other classes'. */
function bandOf(rows, name) {
  const own = rows.filter((row) => row.class === name);
  const sources = [...new Set(own.map(({ point }) => point.source))];
  const [low, high] = ends(own);
  if (own.length >= ENOUGH.rows && sources.length >= ENOUGH.sources) return { low, high, rows: own.length, sources };
  const others = rows.filter((row) => row.class !== name && !HARDER.has(row.class));
  // A few rows of one source show neither its spread nor on which side the next source will lie.
  const isFew = sources.length < 2 && own.length < MANY;
  const [below, above] = isFew ? Array(2).fill(WIDER.oneSource * deviation(own)) : [1 - low, high - 1];
  const far = deviation(others) * (own.length > 0 ? 1 : WIDER.otherClasses);
  return {
    low: 1 - Math.max(far, below),
    high: 1 + Math.max(far, above),
    rows: own.length,
    sources,
    borrows: true,
  };
}

function ends(rows) {
  return rows.length === 0
    ? [1, 1]
    : [Math.min(1, weighted(rows, TAIL, residualOf)), Math.max(1, weighted(rows, 1 - TAIL, residualOf))];
}

const residualOf = ({ residual }) => residual;

function deviation(rows) {
  const [low, high] = ends(rows);
  return Math.max(1 - low, high - 1);
}

/** Share of each source's figures that the bands of all other sources hold. */
export function heldBack(rows) {
  const memory = rows.filter(({ what, residual }) => what === 'memory' && residual !== undefined);
  const sources = [...new Set(memory.map(({ point }) => point.source))];
  return sources.map((source) => {
    const bands = bandsOf(memory.filter(({ point }) => point.source !== source));
    const own = memory.filter(({ point }) => point.source === source);
    const inside = own.filter((row) => isInside(row, bands));
    return { source, rows: own.length, inside: inside.length };
  });
}

/**
 * The verdicts of each source's runs under bands that were made of all other sources: whether each is said to fit, and how far
 * what was measured lies above the figure that must fit.
 */
export function heldVerdicts(rows, { predictAll, useBands }) {
  const sources = [...new Set(rows.map(({ point }) => point.source))];
  return sources.flatMap((source) => {
    const restore = useBands(bandsOf(rows.filter(({ point }) => point.source !== source)));
    const own = predictAll(rows.filter(({ point }) => point.source === source).map(({ point }) => point));
    restore();
    return own.filter(({ what }) => what === 'memory');
  });
}

/** Half a GiB is what context and allocator's block sizes may be off by; it matters where little comes and goes. */
const SLACK = 0.5;

function isInside({ kind, class: name, residual, moving }, bands) {
  const { low, high } = bands[name][kind === 'allocated' ? 'counted' : 'reserved'];
  const slack = kind === 'allocated' ? 0 : SLACK / moving;
  return residual >= low - slack && residual <= high + slack;
}

/** Writes them where the estimator reads them. */
export function writeBands(bands, { commit, date }) {
  const file = path.join(root, 'server', 'src', 'core', 'estimate', 'memory', 'residuals.ts');
  const entries = CLASSES.map((name) => {
    const { counted, reserved } = bands[name];
    return `  // ${provenance(counted, 'allocated')}; ${provenance(reserved, 'reserved or shown by the driver')}.
  ${name}: { counted: ${range(counted)}, reserved: ${range(reserved)} },`;
  });
  writeFileSync(
    file,
    `// Written by \`node test/bench/accuracy/run.mjs --bands\` on ${date} at commit ${commit}, from test/bench/accuracy/points.json.

/** Kinds of run that published measurements were found of. */
export type ResidualClass = ${CLASSES.map((name) => `'${name}'`).join(' | ')};

/** Fifth and ninety-fifth percentile of measured ÷ predicted, over what comes and goes; each source weighs the same. */
export interface Residual {
  readonly low: number;
  readonly high: number;
}

/** \`counted\` of what torch calls allocated, \`reserved\` of that and what its allocator keeps. */
export const RESIDUALS: Readonly<Record<ResidualClass, { readonly counted: Residual; readonly reserved: Residual }>> = {
${entries.join('\n')}
};
`,
  );
}

const range = ({ low, high }) => `{ low: ${low.toFixed(3)}, high: ${high.toFixed(3)} }`;

function provenance({ rows, sources, borrows }, what) {
  const own = rows === 0 ? 'none' : `${rows} of ${sources.join(', ')}`;
  return `${what}: ${own}${borrows ? ', widened by those of other classes' : ''}`;
}
