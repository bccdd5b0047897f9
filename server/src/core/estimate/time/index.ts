import type { TrainingRun } from '../../run/training-run';
import { formatPercent, formatSeconds } from '../../text/format';
import type { Assumption, LinkVerdict, OffloadVerdict, StepEstimate } from '../estimate';
import { cpuThreads } from './cpu-optimizer';
import { type TimeFacts, timeFacts } from './facts';
import { judgeLink, linkVerdicts } from './links';
import { UNKNOWN_DRIVE } from './nvme';
import { offloadOf } from './offload';
import type { Dimension } from './placement';
import { type StepResult, stepOf } from './step';
import { type MemoryOf, offloadVerdicts } from './verdicts';

export type { MemoryOf } from './verdicts';

export interface TimeEstimate {
  /** Null where a fact is missing; which one is among the assumptions. */
  readonly step: StepEstimate | null;
  readonly links: readonly LinkVerdict[];
  readonly offloads: readonly OffloadVerdict[];
  readonly assumptions: readonly Assumption[];
}

/**
 * Predicts the seconds of one optimizer step, the link each parallel dimension uses and what each offload costs
 * (reference estimation.md §4–5, interconnect.md §2–6). Pure. `memory` tells whether the run fits without an offload.
 */
export function estimateTime(run: TrainingRun, { memory }: { readonly memory: MemoryOf }): TimeEstimate {
  const resolved = timeFacts(run);
  if (!resolved.ok) return { step: null, links: linksAlone(run), offloads: [], assumptions: resolved.missing };
  const { facts } = resolved;
  const result = stepOf(facts);
  if (result === undefined) {
    const because = `${facts.cluster.accelerator.name} has no known peak rate`;
    return {
      step: null,
      links: linksAlone(run),
      offloads: [],
      assumptions: [{ what: 'step time', value: 'not known', because }],
    };
  }
  return {
    step: result.step,
    links: linkVerdicts(facts, result),
    offloads: offloadVerdicts(facts, result.step, memory),
    assumptions: [...facts.assumptions, ...notes(facts, result)],
  };
}

/**
 * The link that a dimension of `ranks` would use on the run's cluster, and whether it is fast enough; undefined while the
 * cluster is not known. For hints on candidate values, and for dimensions the run does not have.
 */
export function linkIfUsed(run: TrainingRun, dimension: Dimension, ranks: number): LinkVerdict | undefined {
  if (!run.cluster.known) return undefined;
  const cluster = run.cluster.value;
  const own = (value: TrainingRun['nodes']): number => (value.known ? value.value : 1);
  const tensor = dimension === 'tensor' ? ranks : own(run.parallelism.tensor);
  const context = dimension === 'context' ? ranks : own(run.parallelism.context);
  const gpusPerNode = run.gpusPerNode.known ? run.gpusPerNode.value : cluster.gpusPerNode;
  const data = own(run.parallelism.data);
  const shard = run.parallelism.shard.known ? run.parallelism.shard.value : data;
  return judgeLink({ cluster, gpusPerNode, tensor, context, data, shard }, dimension, ranks);
}

/** Links can be judged without a model or a batch. */
function linksAlone(run: TrainingRun): LinkVerdict[] {
  const { tensor, pipeline, context, expert } = run.parallelism;
  const sizes = { tensor, context, expert, pipeline } as const;
  return (['tensor', 'context', 'expert', 'pipeline'] as const).flatMap((dimension) => {
    const ranks = sizes[dimension];
    const verdict = ranks.known && ranks.value > 1 ? linkIfUsed(run, dimension, ranks.value) : undefined;
    return verdict === undefined ? [] : [verdict];
  });
}

function notes(facts: TimeFacts, { step, compute }: StepResult): Assumption[] {
  return [
    ...hardwareNotes(facts, compute),
    ...offloadNotes(facts),
    ...balanceNotes(facts, step),
    ...tensorNotes(facts),
  ];
}

function hardwareNotes(
  { cluster, compute, model }: TimeFacts,
  { constants, substitutedPeak }: StepResult['compute'],
): Assumption[] {
  const found: Assumption[] = [];
  if (!constants.fitted) {
    found.push({
      what: 'GPU efficiency',
      value: `${formatPercent(constants.gemmEfficiency)} of peak in matrix products`,
      because: `${cluster.accelerator.name} has no published training runs to fit; ${constants.source}`,
    });
  }
  if (substitutedPeak !== undefined) {
    found.push({
      what: 'peak rate',
      value: `that of ${substitutedPeak}`,
      because: `${cluster.accelerator.name} has no ${compute} units`,
    });
  }
  for (const link of [cluster.intra, cluster.inter]) {
    if (link.basis === 'assumed') found.push({ what: 'link', value: link.label, because: link.source });
  }
  if (model.blocks.some(({ tower }) => tower === 'vision' || tower === 'audio')) {
    found.push({
      what: 'image and audio towers',
      value: 'not counted in the step time',
      because: 'images per sample are not known',
    });
  }
  return found;
}

function offloadNotes(facts: TimeFacts): Assumption[] {
  const { optimizer, param } = offloadOf(facts);
  const found: Assumption[] = [];
  if (optimizer !== 'none') {
    const { count, because } = cpuThreads(facts);
    found.push({ what: 'CPU threads per rank', value: String(count), because });
  }
  if ((optimizer === 'nvme' || param === 'nvme') && facts.cluster.host.nvmeReadBytesPerSecond === undefined) {
    found.push({
      what: 'NVMe',
      value: `${UNKNOWN_DRIVE.read / 1e9} GB/s read, ${UNKNOWN_DRIVE.write / 1e9} GB/s write`,
      because: 'the drives of the node are not known; one PCIe Gen4 drive is taken',
    });
  }
  return found;
}

/** Below this share the GPUs mostly wait. */
const IDLE_SHARE = 0.3;
const HOST_CAUSES = new Set(['offload', 'optimizer']);

/** Says when the GPUs are not what the run waits for. */
function balanceNotes(facts: TimeFacts, step: StepEstimate): Assumption[] {
  const shown = step.terms.filter(({ overlapped }) => !overlapped);
  const seconds = (keep: (term: StepEstimate['terms'][number]) => boolean): number =>
    shown.reduce((sum, term) => (keep(term) ? sum + term.seconds : sum), 0);
  const gpu = step.terms.reduce((sum, term) => (isGpuCompute(term.id) ? sum + term.seconds : sum), 0);
  const share = gpu / step.seconds;
  if (share >= IDLE_SHARE) return [];
  const offloaded = offloadOf(facts).optimizer !== 'none' || offloadOf(facts).param !== 'none';
  const host = seconds(
    ({ id, group }) => (offloaded && HOST_CAUSES.has(group)) || /(zero3-hooks|compute\.launches)$/.test(id),
  );
  const network = seconds(({ group, id }) => group === 'communication' && !id.endsWith('zero3-hooks'));
  const bound = host >= network ? 'host-bound' : 'communication-bound';
  return [
    {
      what: 'balance of the step',
      value: `${bound}: the GPUs compute ${formatPercent(share)} of the step`,
      because: `host link, CPU and Python take ${formatSeconds(host)}, communication ${formatSeconds(network)}, GPU compute ${formatSeconds(gpu)}`,
    },
  ];
}

function isGpuCompute(id: string): boolean {
  return /^compute\.(matrices|attention|elementwise|dequantise)/.test(id);
}

/** Where tensor parallelism would be the obvious next step but the link forbids it. */
function tensorNotes(facts: TimeFacts): Assumption[] {
  const { tensor, gpusPerNode } = facts;
  if (tensor > 1 || gpusPerNode < 2) return [];
  const verdict = judgeLink({ ...facts, tensor: gpusPerNode }, 'tensor', gpusPerNode);
  if (verdict.verdict !== 'bad') return [];
  return [
    {
      what: 'tensor parallelism',
      value: `would be a mistake here: ${verdict.label}`,
      because: 'it all-reduces activations twice in every layer and pass; it wants 150 GB/s, or 40 GB/s for a pair',
    },
  ];
}
