import { valueIfKnown } from '../../run/known';
import { formatGib, formatPercent, formatSeconds } from '../../text/format';
import type { Assumption, OffloadVerdict, StepEstimate } from '../estimate';
import { cpuThreads } from './cpu-optimizer';
import type { TimeFacts } from './facts';
import { judgeLink } from './links';
import { UNKNOWN_DRIVE } from './nvme';
import { offloadOf } from './offload';
import { shareOnGpu } from './optimizer';
import { preferenceNotes } from './preference';
import type { StepResult } from './step';

/** What a reader should know beside the numbers: values taken on trust, what the step waits for, what is not needed. */
export function notes(
  facts: TimeFacts,
  { step, compute, guesses }: StepResult,
  offloads: readonly OffloadVerdict[],
): Assumption[] {
  return [
    ...hardwareNotes(facts, compute),
    ...guesses,
    ...preferenceNotes(facts),
    ...offloadNotes(facts),
    ...balanceNotes(facts, step),
    ...tensorNotes(facts),
    ...offloads.flatMap((verdict) => needlessNotes(facts, verdict)),
  ];
}

function hardwareNotes(
  { cluster, compute, model }: TimeFacts,
  { constants, substitutedPeak }: StepResult['compute'],
): Assumption[] {
  const found: Assumption[] = [];
  if (constants.evidence !== 'fitted') {
    const { name, architecture } = cluster.accelerator;
    const runs =
      constants.evidence === 'generation'
        ? `${name} has no training runs to fit`
        : `no step of any ${architecture} was published`;
    found.push({
      what: 'GPU efficiency',
      value: `${formatPercent(constants.gemmEfficiency)} of peak in matrix products`,
      because: `${runs}, so the band is wider; ${constants.source}`,
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
    found.push(...twinFlowNotes(facts));
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

/** A ratio counts whole sub-groups, of which a rank may have few. */
function twinFlowNotes(facts: TimeFacts): Assumption[] {
  const { sharding, run } = facts;
  const ratio = sharding.kind === 'zero' ? valueIfKnown(sharding.offloadRatio) : undefined;
  if (ratio === undefined || ratio >= 1) return [];
  const own = valueIfKnown(run.consumer) === 'trainer' ? '' : ', taken to be cut from one group of parameters';
  return [
    {
      what: 'optimizer states on the GPU',
      value: formatPercent(shareOnGpu(facts)),
      because: `offload_optimizer.ratio ${ratio} counts sub-groups of sub_group_size${own}, which stay or go as a whole`,
    },
  ];
}

const OFFLOADED = { optimizer: 'optimizer offload', param: 'parameter offload', fsdp: 'FSDP offload' } as const;

/** Says of each offload that the run, otherwise unchanged, would fit without; and what that would save. */
function needlessNotes({ cluster }: TimeFacts, verdict: OffloadVerdict): Assumption[] {
  const { what, fitsWithout, stepSecondsWithout, secondsPerStep, gpuBytesWithout } = verdict;
  if (fitsWithout !== true || stepSecondsWithout === undefined) return [];
  return [
    {
      what: OFFLOADED[what],
      value: `not needed: without it a step takes about ${formatSeconds(stepSecondsWithout)}, ${formatSeconds(secondsPerStep)} less`,
      because: `with the rest unchanged, each GPU then needs ${formatGib(gpuBytesWithout)} of ${formatGib(cluster.accelerator.memoryBytes)}`,
    },
  ];
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
  return /^compute\.(matrices|attention|elementwise|dequantise|reference|generation)/.test(id);
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
