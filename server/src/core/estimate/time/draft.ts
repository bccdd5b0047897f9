import type { TimeTerm } from '../estimate';

/** What a term waits for; the one with most seconds is the step's bottleneck. */
export type Cause =
  | 'GPU compute'
  | 'pipeline bubble'
  | 'Python and kernel launches'
  | 'host link (PCIe)'
  | 'CPU optimizer'
  | 'NVMe'
  | 'GPU optimizer'
  | 'network between nodes'
  | 'link inside the node';

/** Behind what a term can hide, if anything. */
export type Hiding =
  | 'never'
  /** Runs on another stream beside the forward and backward of all micro-steps. */
  | 'beside-compute'
  /** Runs beside the backward of the last micro-step only. */
  | 'beside-last-backward'
  /** The CPU's own work, beside the backward of the last micro-step. */
  | 'cpu-beside-last-backward'
  /** The CPU's own work, beside the forward and backward of all micro-steps. */
  | 'cpu-beside-compute'
  /** Copies against the direction of the other PCIe traffic of the step. */
  | 'beside-pcie'
  /** Python on the host, queued ahead of the GPU. */
  | 'host';

/** A term before overlap is settled. */
export interface Draft extends Omit<TimeTerm, 'overlapped'> {
  /** Its own band, of what the host, links and drives do; the GPUs' work has that of its class (band.ts). */
  readonly band?: { readonly low: number; readonly high: number };
  readonly cause: Cause;
  readonly hides: Hiding;
  /** Seconds by which it makes the computation beside it longer, however well it is hidden. */
  readonly slows?: number;
}

export interface Windows {
  /** GPU seconds of forward and backward over the whole optimizer step. */
  readonly compute: number;
  /** GPU seconds of the last micro-step's backward. */
  readonly lastBackward: number;
}

/** A part of a draft that adds to the step, or one that is hidden. */
export interface Settled {
  readonly draft: Draft;
  readonly seconds: number;
  readonly overlapped: boolean;
}

/**
 * Splits every draft into what adds to the step and what hides:
 * `t = max(compute + what the others take from it, communication) + what cannot overlap`, so the step is never shorter than its
 * longest stream.
 */
export function settle(drafts: readonly Draft[], windows: Windows): Settled[] {
  const visible = new Map<Hiding, number>([
    ['never', 1],
    ['beside-compute', visibleShare(sumsOf(drafts, 'beside-compute'), windows.compute)],
    ['beside-last-backward', visibleShare(sumsOf(drafts, 'beside-last-backward'), windows.lastBackward)],
    ['cpu-beside-last-backward', visibleShare(sumsOf(drafts, 'cpu-beside-last-backward'), windows.lastBackward)],
    ['cpu-beside-compute', visibleShare(sumsOf(drafts, 'cpu-beside-compute'), windows.compute)],
    ['beside-pcie', visibleShare(sumsOf(drafts, 'beside-pcie'), pcieSeconds(drafts))],
  ]);
  let device = 0;
  for (const draft of drafts) {
    if (draft.hides !== 'host' && duringForwardBackward(draft))
      device += draft.seconds * (visible.get(draft.hides) ?? 1);
  }
  visible.set('host', visibleShare(sumsOf(drafts, 'host'), device));
  return drafts.flatMap((draft) => split(draft, visible.get(draft.hides) ?? 1));
}

interface Sums {
  readonly seconds: number;
  readonly slows: number;
}

function sumsOf(drafts: readonly Draft[], hides: Hiding): Sums {
  let seconds = 0;
  let slows = 0;
  for (const draft of drafts) {
    if (draft.hides !== hides) continue;
    seconds += draft.seconds;
    slows += draft.slows ?? 0;
  }
  return { seconds, slows };
}

function pcieSeconds(drafts: readonly Draft[]): number {
  return drafts.reduce(
    (sum, draft) => (draft.cause === 'host link (PCIe)' && draft.hides !== 'beside-pcie' ? sum + draft.seconds : sum),
    0,
  );
}

function duringForwardBackward({ cause, group }: Draft): boolean {
  return group !== 'optimizer' && cause !== 'CPU optimizer' && cause !== 'NVMe';
}

function visibleShare({ seconds, slows }: Sums, window: number): number {
  if (seconds <= 0) return 1;
  return Math.min(1, Math.max(slows, seconds - window, 0) / seconds);
}

function split(draft: Draft, share: number): Settled[] {
  if (draft.seconds <= 0) return [];
  if (share >= 1) return [{ draft, seconds: draft.seconds, overlapped: false }];
  const shown = draft.seconds * share;
  const hidden: Settled = { draft, seconds: draft.seconds - shown, overlapped: true };
  return shown > 0 ? [{ draft, seconds: shown, overlapped: false }, hidden] : [hidden];
}
