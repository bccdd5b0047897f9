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
  /** Copies against the direction of the other PCIe traffic of the step. */
  | 'beside-pcie'
  /** Python on the host, queued ahead of the GPU. */
  | 'host';

/** A term before overlap is settled. `low` and `high` are its own band. */
export interface Draft extends Omit<TimeTerm, 'overlapped'> {
  readonly low: number;
  readonly high: number;
  readonly cause: Cause;
  readonly hides: Hiding;
}

/** Share of communication that stays visible even behind long compute: factors 0.3 (A100-40) to 0.5 in the fit on llm-foundry's table. */
const NEVER_HIDDEN_SHARE = 0.3;

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
 * `t = max(compute, communication) + what cannot overlap`, so the step is never shorter than its longest stream.
 */
export function settle(drafts: readonly Draft[], windows: Windows): Settled[] {
  const visible = new Map<Hiding, number>([
    ['never', 1],
    ['beside-compute', visibleShare(sumOf(drafts, 'beside-compute'), windows.compute, NEVER_HIDDEN_SHARE)],
    [
      'beside-last-backward',
      visibleShare(sumOf(drafts, 'beside-last-backward'), windows.lastBackward, NEVER_HIDDEN_SHARE),
    ],
    ['beside-pcie', visibleShare(sumOf(drafts, 'beside-pcie'), pcieSeconds(drafts), 0)],
  ]);
  let device = 0;
  for (const draft of drafts) {
    if (draft.hides !== 'host' && duringForwardBackward(draft))
      device += draft.seconds * (visible.get(draft.hides) ?? 1);
  }
  visible.set('host', visibleShare(sumOf(drafts, 'host'), device, 0));
  return drafts.flatMap((draft) => split(draft, visible.get(draft.hides) ?? 1));
}

function sumOf(drafts: readonly Draft[], hides: Hiding): number {
  return drafts.reduce((sum, draft) => (draft.hides === hides ? sum + draft.seconds : sum), 0);
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

function visibleShare(seconds: number, window: number, least: number): number {
  return seconds <= 0 ? 1 : Math.max(least, (seconds - window) / seconds, 0);
}

function split(draft: Draft, share: number): Settled[] {
  if (draft.seconds <= 0) return [];
  if (share >= 1) return [{ draft, seconds: draft.seconds, overlapped: false }];
  const shown = draft.seconds * share;
  const hidden: Settled = { draft, seconds: draft.seconds - shown, overlapped: true };
  return shown > 0 ? [{ draft, seconds: shown, overlapped: false }, hidden] : [hidden];
}
