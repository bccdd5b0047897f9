// Figures of the benchmark's tables, and how they are written.

export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)];
  return low + (sorted[Math.ceil(at)] - low) * (at - Math.floor(at));
}

export const percent = (value) => `${(value * 100).toFixed(1)} %`;
export const signed = (value) => `${value < 0 ? '−' : '+'}${percent(Math.abs(value))}`;

/** A quantile of residuals in which each source weighs the same, however many rows it has. */
export function weighted(rows, share, residualOf) {
  const perSource = new Map();
  for (const { point } of rows) perSource.set(point.source, (perSource.get(point.source) ?? 0) + 1);
  const sorted = rows
    .map((row) => ({ residual: residualOf(row), weight: 1 / perSource.get(row.point.source) / perSource.size }))
    .sort((a, b) => a.residual - b.residual);
  let sum = 0;
  for (const { residual, weight } of sorted) {
    sum += weight;
    if (sum >= share - 1e-9) return residual;
  }
  return sorted[sorted.length - 1].residual;
}
