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
