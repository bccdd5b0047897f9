import type { Assumption, StepEstimate, TimeTerm, Traffic } from '../estimate';
import { accumulateDraft } from './accumulate';
import { stepBand, timeClass } from './band';
import { communicationDraft, type PlacedFlow, placedFlows } from './communication';
import { type Compute, computeOf } from './compute';
import { type Draft, type Settled, settle, visibleShares, type Windows } from './draft';
import type { TimeFacts } from './facts';
import { hookDraft, launchDraft, loaderDraft } from './hooks';
import { offloadDrafts } from './offload';
import { gpuOptimizerDraft } from './optimizer';
import { pipelineDrafts, stageLoad } from './pipeline';
import { generationDraft } from './preference';
import { stragglerDraft } from './stragglers';

export interface StepResult {
  readonly step: StepEstimate;
  readonly compute: Compute;
  readonly flows: readonly PlacedFlow[];
  /** What its visible terms take on trust. */
  readonly guesses: readonly Assumption[];
}

/** Seconds of one optimizer step as a bill of terms; undefined when the GPU has no known peak rate. */
export function stepOf(facts: TimeFacts): StepResult | undefined {
  const bill = billOf(facts);
  if (bill === undefined) return undefined;
  const { compute, flows, drafts, windows } = bill;
  const settled = settle(drafts, windows);
  const band = stepBand(drafts, windows, timeClass(facts, compute.constants));
  const step = { ...sumUp(facts, compute, settled), ...band };
  return { step, compute, flows, guesses: guessesIn(settled, step.seconds) };
}

/** The seconds alone. */
export function secondsOf(facts: TimeFacts): number | undefined {
  const bill = billOf(facts);
  if (bill === undefined) return undefined;
  const visible = visibleShares(bill.drafts, bill.windows, ({ seconds }) => seconds);
  return bill.drafts.reduce((sum, { seconds, hides }) => sum + seconds * visible[hides], 0);
}

interface Bill {
  readonly compute: Compute;
  readonly flows: readonly PlacedFlow[];
  readonly drafts: readonly Draft[];
  readonly windows: Windows;
}

function billOf(facts: TimeFacts): Bill | undefined {
  const compute = computeOf(facts);
  if (compute === undefined) return undefined;
  const flows = placedFlows(facts);
  const drafts: Draft[] = [...compute.drafts, launchDraft(facts)];
  const push = (draft: Draft | undefined): void => {
    if (draft !== undefined) drafts.push(draft);
  };
  push(generationDraft(facts));
  push(accumulateDraft(facts));
  push(stragglerDraft(facts, compute.seconds));
  push(loaderDraft(facts));
  push(hookDraft(facts));
  for (const flow of flows) drafts.push(communicationDraft(facts, flow));
  const load = stageLoad(facts, compute.headInBlocks);
  drafts.push(...pipelineDrafts(facts, { seconds: stageSeconds(compute, flows), load }));
  drafts.push(...offloadDrafts(facts));
  push(gpuOptimizerDraft(facts));
  return { compute, flows, drafts, windows: { compute: compute.seconds, lastBackward: compute.lastBackwardSeconds } };
}

/** Compute of a mean stage and the communication inside it, which every micro-batch waits for. */
function stageSeconds(compute: Compute, flows: readonly PlacedFlow[]): number {
  return flows.reduce(
    (sum, { flow, seconds }) => (flow.dimension === 'tensor' || flow.dimension === 'expert' ? sum + seconds : sum),
    compute.seconds,
  );
}

function sumUp(facts: TimeFacts, compute: Compute, settled: readonly Settled[]): Omit<StepEstimate, 'low' | 'high'> {
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
    (facts.sequences * facts.accumulation * facts.data * facts.length) / (facts.world * seconds);
  const { blocks, head, attention } = compute.flopsPerToken;
  return {
    seconds,
    tokensPerSecondPerGpu,
    // Three forward passes by definition, whatever is really computed (Chowdhery et al. 2022, PaLM, appendix B).
    mfu: (tokensPerSecondPerGpu * 3 * (blocks + head + attention)) / compute.peakFlops,
    bottleneck: longest(waits),
    breakdown,
    terms: settled.map(termOf),
  };
}

/** A smaller part of the step is finer than its model. */
const LEAST_GUESS = 0.02;

function guessesIn(settled: readonly Settled[], step: number): Assumption[] {
  return settled.flatMap(({ draft, seconds, overlapped }) =>
    draft.assumes && !overlapped && seconds >= LEAST_GUESS * step ? [draft.assumes] : [],
  );
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
