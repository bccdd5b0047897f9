import { type Draft, visibleShares, type Windows } from './draft';
import type { TimeFacts } from './facts';
import type { GpuConstants } from './gpu-constants';
import { TIME_RESIDUALS, type TimeClass } from './residuals';

/** Seconds between which nine of ten runs of this class are expected. */
export interface TimeBand {
  readonly low: number;
  readonly high: number;
}

/** The nearest class of runs whose steps were published: by what is known of the chip, then by how the run is split. */
export function timeClass(facts: TimeFacts, { evidence }: GpuConstants): TimeClass {
  const { tensor, pipeline, context, expert, cluster } = facts;
  // No step of another vendor's chip was found with its settings; software differs there as well.
  if (cluster.accelerator.vendor !== 'NVIDIA') return 'unseen';
  if (evidence === 'none') return 'unmeasured';
  if (evidence === 'generation') return 'unfitted';
  return tensor > 1 || pipeline > 1 || context > 1 || expert > 1 ? 'split' : 'plain';
}

/**
 * What the GPUs do has the residuals of its class: published steps beside what is predicted for them (residuals.ts). Links, host and
 * drives have their own spread, that of their records; at its end a term that was hidden may come out from behind the others.
 */
export function stepBand(drafts: readonly Draft[], windows: Windows, of: TimeClass): TimeBand {
  return { low: endOf(drafts, windows, of, 'low'), high: endOf(drafts, windows, of, 'high') };
}

function endOf(drafts: readonly Draft[], windows: Windows, of: TimeClass, end: keyof TimeBand): number {
  const factor = TIME_RESIDUALS[of][end];
  const secondsOf = (draft: Draft): number => (hasOwnBand(draft) ? draft.band[end] : draft.seconds);
  const visible = visibleShares(drafts, windows, secondsOf);
  let sum = 0;
  for (const draft of drafts) {
    const seconds = secondsOf(draft) * visible[draft.hides];
    sum += hasOwnBand(draft) ? seconds : seconds * together(factor, draft.guess?.[end] ?? 1);
  }
  return sum;
}

function hasOwnBand(draft: Draft): draft is Draft & { readonly band: TimeBand } {
  return draft.band !== undefined && !onGpu(draft);
}

/** Two factors that have nothing to do with each other are rarely both at their ends. */
function together(factor: number, guess: number): number {
  if (guess === 1) return factor;
  const size = Math.hypot(Math.log(factor), Math.log(guess));
  return Math.exp(factor < 1 ? -size : size);
}

/** Terms of the GPU's own work, which the residuals are of. */
export function onGpu({ group, id }: { readonly group: string; readonly id: string }): boolean {
  return (group === 'compute' && id !== 'compute.loading') || id === 'optimizer.gpu';
}
