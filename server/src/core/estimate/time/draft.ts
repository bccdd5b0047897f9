import type { Assumption, TimeTerm } from '../estimate';

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
  /** How far a share that nobody measured by itself may be off: factors beside the spread of the class. */
  readonly guess?: { readonly low: number; readonly high: number } | undefined;
  /** What it takes on trust; said where it is visible in the step. */
  readonly assumes?: Assumption | undefined;
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
  const visible = visibleShares(drafts, windows, (draft) => draft.seconds);
  return drafts.flatMap((draft) => split(draft, visible[draft.hides]));
}

/** Of the drafts of each kind, the share that adds to the step, if every draft takes the seconds that are asked for. */
export function visibleShares(
  drafts: readonly Draft[],
  { compute, lastBackward }: Windows,
  secondsOf: (draft: Draft) => number,
): Readonly<Record<Hiding, number>> {
  const seconds = { ...NOTHING };
  const slows = { ...NOTHING };
  let pcie = 0;
  for (const draft of drafts) {
    const own = secondsOf(draft);
    seconds[draft.hides] += own;
    slows[draft.hides] += draft.slows ?? 0;
    if (draft.cause === 'host link (PCIe)' && draft.hides !== 'beside-pcie') pcie += own;
  }
  const share = (hides: Hiding, window: number): number => {
    const all = seconds[hides];
    return all <= 0 ? 1 : Math.min(1, Math.max(slows[hides], all - window, 0) / all);
  };
  const shares: Record<Hiding, number> = {
    never: 1,
    'beside-compute': share('beside-compute', compute),
    'beside-last-backward': share('beside-last-backward', lastBackward),
    'cpu-beside-last-backward': share('cpu-beside-last-backward', lastBackward),
    'cpu-beside-compute': share('cpu-beside-compute', compute),
    'beside-pcie': share('beside-pcie', pcie),
    host: 1,
  };
  let device = 0;
  for (const draft of drafts) {
    if (draft.hides !== 'host' && duringForwardBackward(draft)) device += secondsOf(draft) * shares[draft.hides];
  }
  shares.host = share('host', device);
  return shares;
}

const NOTHING: Readonly<Record<Hiding, number>> = {
  never: 0,
  'beside-compute': 0,
  'beside-last-backward': 0,
  'cpu-beside-last-backward': 0,
  'cpu-beside-compute': 0,
  'beside-pcie': 0,
  host: 0,
};

function duringForwardBackward({ cause, group }: Draft): boolean {
  return group !== 'optimizer' && cause !== 'CPU optimizer' && cause !== 'NVMe';
}

function split(draft: Draft, share: number): Settled[] {
  if (draft.seconds <= 0) return [];
  if (share >= 1) return [{ draft, seconds: draft.seconds, overlapped: false }];
  const shown = draft.seconds * share;
  const hidden: Settled = { draft, seconds: draft.seconds - shown, overlapped: true };
  return shown > 0 ? [{ draft, seconds: shown, overlapped: false }, hidden] : [hidden];
}
