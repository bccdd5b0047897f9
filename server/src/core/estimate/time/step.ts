import type { StepEstimate, TimeTerm } from '../estimate';
import { communicationDraft, type PlacedFlow, placedFlows } from './communication';
import { type Compute, computeOf } from './compute';
import { type Draft, type Settled, settle } from './draft';
import type { TimeFacts } from './facts';
import { hookDraft, launchDraft } from './hooks';
import { offloadDrafts } from './offload';
import { gpuOptimizerDraft } from './optimizer';

export interface StepResult {
  readonly step: StepEstimate;
  readonly compute: Compute;
  readonly flows: readonly PlacedFlow[];
}

/** Seconds of one optimizer step as a bill of terms; undefined when the GPU has no known peak rate. */
export function stepOf(facts: TimeFacts): StepResult | undefined {
  const compute = computeOf(facts);
  if (compute === undefined) return undefined;
  const flows = placedFlows(facts);
  const drafts: Draft[] = [...compute.drafts, launchDraft(facts)];
  const push = (draft: Draft | undefined): void => {
    if (draft !== undefined) drafts.push(draft);
  };
  push(hookDraft(facts));
  for (const flow of flows) drafts.push(communicationDraft(flow));
  push(bubbleDraft(facts, compute, flows));
  drafts.push(...offloadDrafts(facts));
  push(gpuOptimizerDraft(facts));
  const settled = settle(drafts, { compute: compute.seconds, lastBackward: compute.lastBackwardSeconds });
  return { step: sumUp(facts, compute, settled), compute, flows };
}

/** Stages wait while the pipeline fills and drains: (p − 1) of m micro-batches (Narayanan et al. 2021 §2.2). */
function bubbleDraft(facts: TimeFacts, compute: Compute, flows: readonly PlacedFlow[]): Draft | undefined {
  const { pipeline, accumulation } = facts;
  if (pipeline <= 1) return undefined;
  const inStage = flows.reduce(
    (sum, { flow, seconds }) => (flow.dimension === 'tensor' || flow.dimension === 'expert' ? sum + seconds : sum),
    compute.seconds,
  );
  const seconds = (inStage * (pipeline - 1)) / accumulation;
  return {
    id: 'compute.bubble',
    label: `pipeline bubble of ${pipeline} stages`,
    seconds,
    low: seconds * 0.5,
    high: seconds * 1.3,
    formula: `(${pipeline} − 1) ÷ ${accumulation} micro-batches × ${inStage.toFixed(2)} s`,
    source: 'Narayanan et al. 2021 (arXiv 2104.04473) §2.2; 1F1B, not interleaved; interleaving would shorten it',
    group: 'compute',
    cause: 'pipeline bubble',
    hides: 'never',
  };
}

function sumUp(facts: TimeFacts, compute: Compute, settled: readonly Settled[]): StepEstimate {
  const breakdown = { compute: 0, communication: 0, offload: 0, optimizer: 0 };
  const waits = new Map<string, number>();
  let seconds = 0;
  let low = 0;
  let high = 0;
  for (const { draft, seconds: part, overlapped } of settled) {
    if (overlapped) continue;
    seconds += part;
    low += (draft.low * part) / draft.seconds;
    high += (draft.high * part) / draft.seconds;
    breakdown[draft.group] += part;
    waits.set(draft.cause, (waits.get(draft.cause) ?? 0) + part);
  }
  const tokensPerSecondPerGpu =
    (facts.micro * facts.accumulation * facts.data * facts.length) / (facts.world * seconds);
  const { blocks, head, attention } = compute.flopsPerToken;
  return {
    seconds,
    low,
    high,
    tokensPerSecondPerGpu,
    // Three forward passes by definition, whatever is really computed (Chowdhery et al. 2022, PaLM, appendix B).
    mfu: (tokensPerSecondPerGpu * 3 * (blocks + head + attention)) / compute.peakFlops,
    bottleneck: longest(waits),
    breakdown,
    terms: settled.map(termOf),
  };
}

function termOf({ draft, seconds, overlapped }: Settled): TimeTerm {
  return {
    id: overlapped ? `${draft.id}.hidden` : draft.id,
    label: overlapped ? `${draft.label} (hidden)` : draft.label,
    seconds,
    formula: draft.formula,
    source: draft.source,
    group: draft.group,
    overlapped,
    ...(draft.traffic && {
      traffic: { link: draft.traffic.link, bytes: (draft.traffic.bytes * seconds) / draft.seconds },
    }),
  };
}

function longest(waits: ReadonlyMap<string, number>): string {
  let name = 'GPU compute';
  let most = 0;
  for (const [cause, seconds] of waits) {
    if (seconds > most) {
      name = cause;
      most = seconds;
    }
  }
  return name;
}
