/** Parts of DeepSpeed's batch equation: total = micro × steps × ranks. */
export interface Batch {
  readonly total: number;
  readonly micro: number;
  readonly steps: number;
}

/**
 * Batches near a written one for which the equation holds on so many ranks, nearest first: those that change one part, each way that this
 * can be done; then, where no part alone mends it, the totals below and above that the written micro batch reaches with other steps.
 */
export function nearestBatches({ total, micro, steps }: Batch, ranks: number): readonly Batch[] {
  const found: Batch[] = [{ total: micro * steps * ranks, micro, steps }];
  const otherSteps = total / (micro * ranks);
  if (isCount(otherSteps)) found.push({ total, micro, steps: otherSteps });
  const otherMicro = total / (steps * ranks);
  if (isCount(otherMicro)) found.push({ total, micro: otherMicro, steps });
  if (found.length > 1) return found;
  const below = Math.floor(otherSteps);
  return [
    ...found,
    ...[below, below + 1]
      .filter((count) => isCount(count) && count !== steps)
      .map((count) => ({ total: micro * count * ranks, micro, steps: count }))
      .sort((a, b) => Math.abs(a.total - total) - Math.abs(b.total - total)),
  ];
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value > 0;
}
