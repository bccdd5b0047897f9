import type { StepEstimate, TimeTerm, Traffic } from '../estimate';
import { accumulateDraft } from './accumulate';
import { stepBand, timeClass } from './band';
import { communicationDraft, type PlacedFlow, placedFlows } from './communication';
import { type Compute, computeOf } from './compute';
import { type Draft, type Settled, settle } from './draft';
import type { TimeFacts } from './facts';
import { hookDraft, launchDraft, loaderDraft } from './hooks';
import { offloadDrafts } from './offload';
import { gpuOptimizerDraft } from './optimizer';
import { pipelineDrafts, stageLoad } from './pipeline';
import { stragglerDraft } from './stragglers';

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
  push(accumulateDraft(facts));
  push(stragglerDraft(facts, compute.seconds));
  push(loaderDraft(facts));
  push(hookDraft(facts));
  for (const flow of flows) drafts.push(communicationDraft(facts, flow));
  const load = stageLoad(facts, compute.headInBlocks);
  drafts.push(...pipelineDrafts(facts, { seconds: stageSeconds(compute, flows), load }));
  drafts.push(...offloadDrafts(facts));
  push(gpuOptimizerDraft(facts));
  const settled = settle(drafts, { compute: compute.seconds, lastBackward: compute.lastBackwardSeconds });
  return { step: sumUp(facts, compute, settled), compute, flows };
}

/** Compute of a mean stage and the communication inside it, which every micro-batch waits for. */
function stageSeconds(compute: Compute, flows: readonly PlacedFlow[]): number {
  return flows.reduce(
    (sum, { flow, seconds }) => (flow.dimension === 'tensor' || flow.dimension === 'expert' ? sum + seconds : sum),
    compute.seconds,
  );
}

function sumUp(facts: TimeFacts, compute: Compute, settled: readonly Settled[]): StepEstimate {
  const breakdown = { compute: 0, communication: 0, offload: 0, optimizer: 0 };
  const waits = new Map<string, number>();
  let seconds = 0;
  for (const { draft, seconds: part, overlapped } of settled) {
    if (overlapped) continue;
    seconds += part;
    breakdown[draft.group] += part;
    waits.set(draft.cause, (waits.get(draft.cause) ?? 0) + part);
  }
  const tokensPerSecondPerGpu =
    (facts.micro * facts.accumulation * facts.data * facts.length) / (facts.world * seconds);
  const { blocks, head, attention } = compute.flopsPerToken;
  return {
    seconds,
    ...stepBand(settled, timeClass(facts, compute.constants)),
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
    ...(draft.traffic && { traffic: shareOf(draft.traffic, seconds / draft.seconds) }),
  };
}

/** Of a term that is partly hidden, each part has its share of what is moved. */
function shareOf({ link, bytes, inside }: Traffic, share: number): Traffic {
  return { link, bytes: bytes * share, ...(inside !== undefined && { inside: inside * share }) };
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
