import { formatRate } from '../../text/format';
import { busRate, bytesBetweenNodes, collectiveSeconds, type GroupPath } from './collectives';
import type { Draft } from './draft';
import type { TimeFacts } from './facts';
import { MEMORY_EFFICIENCY } from './gpu-constants';
import { type Placement, place } from './placement';
import { type Flow, flowBytes, flowsOf } from './traffic';
import { gigabytes } from './traffic-gather';

/**
 * Bytes through the GPU's memory for each byte sent: copied in, read and written by NCCL, copied out, cast and added. While that goes
 * on the computation beside it waits for memory. Fitted on llm-foundry's table (5.2 on A100 80 GB, 5.5 on H100, 6.8 on A100 40 GB, each alone),
 * whose shares of visible communication differ as the chips' memory does.
 */
const MEMORY_BYTES_PER_BYTE = 5.7;

/** One flow on the link it has to use. */
export interface PlacedFlow {
  readonly flow: Flow;
  readonly placement: Placement;
  /** Before overlap. */
  readonly seconds: number;
}

/** Every flow of a step on the link it uses, with the seconds it takes there. */
export function placedFlows(facts: TimeFacts): PlacedFlow[] {
  return flowsOf(facts).map((flow) => {
    const placement = place(facts, flow.dimension, flow.ranks);
    return { flow, placement, seconds: flowSeconds(flow, placement.path) };
  });
}

function flowSeconds(flow: Flow, path: GroupPath): number {
  return flow.calls * collectiveSeconds(flow.collective, flow.bytesPerCall, path);
}

/** A flow as a term of the step; settling decides how much of it hides. */
export function communicationDraft({ cluster }: TimeFacts, placed: PlacedFlow): Draft {
  const { flow, placement, seconds } = placed;
  const { link } = placement;
  // Nobody published what collectives reach on it: anything up to the wire, or half of the low end.
  const isAssumed = link.basis === 'assumed';
  const bytes = flowBytes(flow);
  const between = bytesBetweenNodes(flow.collective, bytes, placement.path);
  return {
    id: flow.id,
    label: flow.label,
    seconds,
    band: {
      low: seconds * Math.min(1, link.bytesPerSecond / Math.max(1, isAssumed ? link.wireBytesPerSecond : 0, link.high)),
      high: seconds * Math.max(1, link.bytesPerSecond / Math.max(1, link.low)) * (isAssumed ? 2 : 1.2),
    },
    formula: `${flow.formula} = ${gigabytes(bytes)} sent per GPU over ${link.label} at ${formatRate(effectiveRate(placement))}`,
    source: `${flow.source}; ${link.source}`,
    group: 'communication',
    cause: placement.crossesNodes ? 'network between nodes' : 'link inside the node',
    hides: flow.hides,
    slows: Math.min(
      seconds,
      (MEMORY_BYTES_PER_BYTE * bytes) / (cluster.accelerator.memoryBytesPerSecond * MEMORY_EFFICIENCY),
    ),
    traffic: placement.crossesNodes
      ? { link: 'inter', bytes: between, inside: bytes - between }
      : { link: 'intra', bytes },
  };
}

/** Bus rate that the group gets, bytes/s: its slowest hop. */
export function effectiveRate({ path }: Placement): number {
  return busRate(path);
}
