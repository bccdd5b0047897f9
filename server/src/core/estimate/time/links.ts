import type { Link } from '../../hardware/hardware';
import { formatRate } from '../../text/format';
import type { LinkVerdict, StepEstimate } from '../estimate';
import { effectiveRate, type PlacedFlow } from './communication';
import type { TimeFacts } from './facts';
import { type Dimension, type Dimensions, type Placement, place } from './placement';
import type { StepResult } from './step';

type Verdict = LinkVerdict['verdict'];

/**
 * What tensor parallelism needs of a link inside a node, bytes/s of one GPU in one direction: an 8B block at 4096 tokens on
 * A100. Slower chips have less to wait for and need less; faster ones are not held to more, since they have no faster link.
 */
const TENSOR_GOOD = 150e9;
const TENSOR_CAUTION = 40e9;
const TENSOR_REFERENCE_FLOPS = 312e12;
/** Latency per hop that tensor parallelism stands: good up to 5 µs, bad above 10 µs. */
const TENSOR_GOOD_LATENCY = 5e-6;
const TENSOR_BAD_LATENCY = 10e-6;

/**
 * The limits between nodes are data-sheet rates; a collective reaches seven tenths of them and more
 * (EFA with GPUDirect RDMA 0.5–0.8 of the wire, InfiniBand 0.75–0.9, RoCE 0.5–0.88).
 */
const REACHED = 0.7;
const SHARD_GOOD = 50e9 * REACHED;
const SHARD_CAUTION = 6e9 * REACHED;
const DATA_GOOD = 6e9 * REACHED;
const DATA_CAUTION = 1e9 * REACHED;
const EXPERT_CAUTION = 50e9 * REACHED;
const EXPERT_CAUTION_NODES = 4;
const PIPELINE_TCP_STAGES = 4;

/** Share of the rest of the step that a dimension's visible communication may take: our choice. */
const RATIO_GOOD = 0.15;
const RATIO_CAUTION = 0.5;
const RATIO_BAD = 1;

/** Every dimension with more than one rank on the link it will use. */
export function linkVerdicts(facts: TimeFacts, { step, flows }: StepResult): LinkVerdict[] {
  const dimensions: readonly (readonly [Dimension, number])[] = [
    ['tensor', facts.tensor],
    ['context', facts.context],
    ['expert', facts.expert],
    ['pipeline', facts.pipeline],
    ['shard', statesOnly(facts) ? 1 : facts.shard],
    ['data', statesOnly(facts) ? facts.data : facts.data / facts.shard],
  ];
  return dimensions
    .filter(([dimension, ranks]) => ranks > 1 && hasLink(facts, dimension, ranks))
    .map(([dimension, ranks]) => {
      const used = flows.filter(({ flow }) => flow.dimension === dimension);
      const seconds = used.length === 0 ? undefined : used.reduce((sum, flow) => sum + flow.seconds, 0);
      const visible = visibleSeconds(step, used);
      return judgeLink(facts, dimension, ranks, { seconds, ratio: visible / Math.max(1e-9, step.seconds - visible) });
    });
}

/** More ranks than the run has GPUs meet on no link; that the sizes do not fit is said by a rule. */
export function hasLink(facts: Dimensions, dimension: Dimension, ranks: number): boolean {
  return place(facts, dimension, ranks).link.kind !== 'none';
}

/** ZeRO-1 and -2 and Megatron spread optimizer states and gradients only: their traffic is that of data parallelism. */
function statesOnly({ sharding }: TimeFacts): boolean {
  if (sharding.kind === 'megatron') return true;
  return sharding.kind === 'zero' && sharding.stage.known && sharding.stage.value < 3;
}

function visibleSeconds(step: StepEstimate, flows: readonly PlacedFlow[]): number {
  const ids = new Set(flows.map(({ flow }) => flow.id));
  return step.terms.reduce((sum, { id, seconds, overlapped }) => (!overlapped && ids.has(id) ? sum + seconds : sum), 0);
}

export interface LinkUse {
  /** Communication seconds per step, before overlap. */
  readonly seconds: number | undefined;
  /** Visible communication over the rest of the step. */
  readonly ratio: number;
}

/** Judges the link that `ranks` of a dimension would use on this cluster, whether the run has that dimension or not. */
export function judgeLink(facts: Dimensions, dimension: Dimension, ranks: number, use?: LinkUse): LinkVerdict {
  const placement = place(facts, dimension, ranks);
  const rate = effectiveRate(placement);
  const verdict = weigh(VERDICTS[dimension](placement, ranks, facts), dimension, use);
  return {
    dimension,
    ranks,
    crossesNodes: placement.crossesNodes,
    link: placement.link.label,
    bytesPerSecond: rate,
    verdict,
    label: `${labelOf(facts, placement, verdict)}${placement.link.basis === 'assumed' ? ' (rate assumed)' : ''}`,
    seconds: use?.seconds,
  };
}

/**
 * What the step really waits for weighs more than a fixed limit: a slow link that costs little is no fault, a fast one that
 * takes half of the step is. Tensor parallelism stays judged by the link: no batch or overlap makes a slow one good, and no
 * other link would be faster than NVLink.
 */
function weigh(verdict: Verdict, dimension: Dimension, use: LinkUse | undefined): Verdict {
  if (use?.seconds === undefined || dimension === 'tensor') return verdict;
  if (use.ratio > RATIO_BAD) return 'bad';
  if (use.ratio > RATIO_CAUTION && verdict === 'good') return 'caution';
  if (use.ratio < RATIO_GOOD && verdict === 'bad') return 'caution';
  return verdict;
}

type Judge = (placement: Placement, ranks: number, facts: Dimensions) => Verdict;

const VERDICTS: Readonly<Record<Dimension, Judge>> = {
  tensor: tensorVerdict,
  context: shardVerdict,
  shard: shardVerdict,
  data: (placement) => byRate(perGpuRate(placement), DATA_GOOD, DATA_CAUTION),
  expert: expertVerdict,
  pipeline: pipelineVerdict,
};

/** All-reduces inside every layer: only a switched link inside one domain is fast enough, or a pair on a bridge. */
function tensorVerdict({ link, path, ...placement }: Placement, ranks: number, { cluster }: Dimensions): Verdict {
  if (placement.crossesNodes || placement.beyondDomain) return 'bad';
  const { bf16, fp16 } = cluster.accelerator.peakFlops;
  const pace = Math.min(1, (bf16 ?? fp16 ?? TENSOR_REFERENCE_FLOPS) / TENSOR_REFERENCE_FLOPS);
  const verdict = byRate(path.intra.bytesPerSecond, TENSOR_GOOD * pace, TENSOR_CAUTION * pace);
  if (verdict === 'caution' && ranks > 2) return 'bad';
  // An assumed latency judges nothing.
  const latency = link.basis === 'assumed' ? 0 : path.intra.latencySeconds;
  if (latency > TENSOR_BAD_LATENCY) return 'bad';
  const isUneven = link.kind === 'nvlink-mesh' && ranks > link.domain;
  return verdict === 'good' && (latency > TENSOR_GOOD_LATENCY || isUneven) ? 'caution' : verdict;
}

function shardVerdict(placement: Placement): Verdict {
  return byRate(perGpuRate(placement), SHARD_GOOD, SHARD_CAUTION);
}

function expertVerdict(placement: Placement): Verdict {
  if (!placement.crossesNodes) return byRate(placement.path.intra.bytesPerSecond, TENSOR_GOOD, TENSOR_CAUTION);
  const direct = placement.link.kind !== 'tcp' && placement.link.kind !== 'efa' && placement.link.kind !== 'rdma-host';
  const near = placement.path.nodes <= EXPERT_CAUTION_NODES && perGpuRate(placement) >= EXPERT_CAUTION;
  return direct && near ? 'caution' : 'bad';
}

function pipelineVerdict(placement: Placement, ranks: number): Verdict {
  if (!placement.crossesNodes || placement.link.kind !== 'tcp') return 'good';
  return ranks > PIPELINE_TCP_STAGES ? 'bad' : 'caution';
}

function byRate(rate: number, good: number, caution: number): Verdict {
  return rate >= good ? 'good' : rate >= caution ? 'caution' : 'bad';
}

/** The limits are per GPU: between nodes with every GPU of the node sending, and no faster than the path inside lets them. */
function perGpuRate({ crossesNodes, path }: Placement): number {
  if (!crossesNodes) return path.intra.bytesPerSecond;
  return path.perNode > 1 ? Math.min(path.inter.bytesPerSecond, path.intra.bytesPerSecond) : path.inter.bytesPerSecond;
}

function labelOf(facts: Dimensions, placement: Placement, verdict: Verdict): string {
  const { link, crossesNodes, beyondDomain, dimension } = placement;
  const rate = effectiveRate(placement);
  if (!crossesNodes) {
    if (beyondDomain)
      return `wider than the ${facts.cluster.intra.label}, ${link.label}, ${formatRate(rate)}: ${verdict}`;
    return `${link.label.includes('B/s') ? link.label : `${link.label}, ${formatRate(rate)}`}: ${verdict}`;
  }
  const inside = insideRate(facts.cluster);
  const times = inside === undefined ? undefined : inside / rate;
  // How much slower it is says little where that is fast enough, and of pipelines, which send little.
  if (times === undefined || times < 1.5 || verdict === 'good' || dimension === 'pipeline') {
    // The data-sheet rate of the label would mislead where collectives reach far less of it.
    const reached = perGpuRate(placement) < link.wireBytesPerSecond / 2 ? `${formatRate(rate)} over ` : '';
    return `crosses nodes, ${reached}${link.label}: ${verdict}`;
  }
  return `crosses nodes, ${formatRate(rate)}: ${times < 10 ? times.toFixed(1) : Math.round(times)}× slower`;
}

/** What the same GPUs reach inside one node; their own links where each node uses one GPU only. */
function insideRate({
  intra,
  accelerator,
}: {
  intra: Link;
  accelerator: TimeFacts['cluster']['accelerator'];
}): number | undefined {
  if (intra.kind !== 'none') return intra.bytesPerSecond;
  return accelerator.link.bytesPerSecond;
}
