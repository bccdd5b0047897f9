import type { Settled } from './draft';
import type { TimeFacts } from './facts';
import type { GpuConstants } from './gpu-constants';
import { TIME_RESIDUALS, type TimeClass } from './residuals';

/** Seconds between which nine of ten runs of this class are expected. */
export interface TimeBand {
  readonly low: number;
  readonly high: number;
}

/** The nearest class of runs whose steps were published. */
export function timeClass(facts: TimeFacts, { fitted }: GpuConstants): TimeClass {
  const { tensor, pipeline, context, expert, cluster } = facts;
  // No step of another vendor's chip was found with its settings; software differs there as well.
  if (cluster.accelerator.vendor !== 'NVIDIA') return 'unseen';
  if (!fitted) return 'unfitted';
  return tensor > 1 || pipeline > 1 || context > 1 || expert > 1 ? 'split' : 'plain';
}

/**
 * What the GPUs do has the residuals of its class: published steps beside what is predicted for them (residuals.ts). Links, host and
 * drives have their own spread, that of their records.
 */
export function stepBand(settled: readonly Settled[], of: TimeClass): TimeBand {
  const { low, high } = TIME_RESIDUALS[of];
  const band = { low: 0, high: 0 };
  for (const { draft, seconds, overlapped } of settled) {
    if (overlapped) continue;
    const own = onGpu(draft) ? undefined : draft.band;
    band.low += seconds * (own ? own.low / draft.seconds : low);
    band.high += seconds * (own ? own.high / draft.seconds : high);
  }
  return band;
}

/** Terms of the GPU's own work, which the residuals are of. */
export function onGpu({ group, id }: { readonly group: string; readonly id: string }): boolean {
  return group === 'compute' || id === 'optimizer.gpu';
}
