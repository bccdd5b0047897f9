// What all benchmarks share: medians, and the table of what was found beside what was wanted.

/** The value below which a share of the values lies. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

export const median = (values) => quantile(values, 0.5);

/** Milliseconds of one call. */
export async function milliseconds(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** One line of the report. `limit` is what issue and design allow; `atLeast` turns it round. */
export function row(what, value, unit, limit, { atLeast = false, note = '' } = {}) {
  const isMet = limit === undefined ? undefined : atLeast ? value >= limit : value <= limit;
  return { what, value, unit, limit, atLeast, isMet, note };
}

export function print(rows) {
  for (const { what, value, unit, limit, atLeast, isMet, note } of rows) {
    const wanted = limit === undefined ? '' : `${atLeast ? '≥' : '≤'} ${number(limit)} ${unit}`;
    const verdict = isMet === undefined ? '' : isMet ? 'met' : 'NOT MET';
    console.log(
      `${what.padEnd(46)}${`${number(value)} ${unit}`.padStart(16)}  ${wanted.padEnd(16)}${verdict.padEnd(9)}${note}`,
    );
  }
}

function number(value) {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2);
}
