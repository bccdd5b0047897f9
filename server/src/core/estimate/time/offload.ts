import { valueIfKnown } from '../../run/known';
import type { OffloadDevice } from '../../run/training-run';
import { counted, formatRate } from '../../text/format';
import { cpuOptimizerDraft } from './cpu-optimizer';
import type { Draft } from './draft';
import { bytesOf, type TimeFacts } from './facts';
import { gathersPerMicroStep, prefetches } from './gathers';
import { nvmeDrafts } from './nvme';
import { shareOnGpu, steppedParameters } from './optimizer';
import { gatheredBytes, gigabytes } from './traffic-gather';

const SOURCE = 'deepspeed runtime/zero/stage3.py partition_grads';

/** Copies from pageable memory run at 3–6 GB/s where pinned ones run at 10–14. */
const UNPINNED_SHARE = 0.4;

/** Share of copies that stays visible even behind long compute, since the host waits for some of them (prior). */
const NEVER_HIDDEN_SHARE = 0.3;

/** Which state of the run lives outside the GPU. */
export interface OffloadFacts {
  readonly optimizer: OffloadDevice;
  readonly param: OffloadDevice;
}

/** Where each state lives; unknown devices count as none. */
export function offloadOf({ sharding }: Pick<TimeFacts, 'sharding'>): OffloadFacts {
  if (sharding.kind === 'fsdp') {
    const device = valueIfKnown(sharding.offloadParams) === true ? 'cpu' : 'none';
    return { optimizer: device, param: device };
  }
  if (sharding.kind !== 'zero') return { optimizer: 'none', param: 'none' };
  const stage = valueIfKnown(sharding.stage) ?? 0;
  return {
    optimizer: stage === 0 ? 'none' : (valueIfKnown(sharding.offloadOptimizer) ?? 'none'),
    // Stages below 3 ignore offload_param (deepspeed runtime/engine.py:2397).
    param: stage === 3 ? (valueIfKnown(sharding.offloadParam) ?? 'none') : 'none',
  };
}

/** Everything that states outside the GPU cost in one optimizer step: copies, the CPU's optimizer, NVMe. */
export function offloadDrafts(facts: TimeFacts): Draft[] {
  const offload = offloadOf(facts);
  if (offload.optimizer === 'none' && offload.param === 'none') return [];
  const drafts = [
    fetchWeightsDraft(facts, offload),
    addGradientsDraft(facts, offload),
    newWeightsDraft(facts, offload),
    weightsBackDraft(facts, offload),
    gradientsToHostDraft(facts, offload),
    cpuOptimizerDraft(facts, offload),
    ...nvmeDrafts(facts, offload),
  ];
  return drafts.filter((draft) => draft !== undefined);
}

/** Weights of the own shard, copied to the GPU before every gather. */
function fetchWeightsDraft(facts: TimeFacts, { param }: OffloadFacts): Draft | undefined {
  if (param === 'none') return undefined;
  const { accumulation, shard } = facts;
  const gathers = gathersPerMicroStep(facts);
  const { blocks, outside } = gatheredBytes(facts);
  // FSDP keeps and copies the stored weights, fp32 under mixed precision, and casts on the GPU.
  const stored = facts.sharding.kind === 'fsdp' ? storedBytes(facts) / facts.weightBytes : 1;
  const bytes = (accumulation * (gathers.blocks * blocks + gathers.outside * outside) * stored) / shard;
  const why = gathers.third === undefined ? '' : ` (a third because ${gathers.third})`;
  return copy(facts, {
    id: 'offload.param-to-gpu',
    label: 'offloaded weights to the GPU',
    bytes,
    formula: `${counted(accumulation, 'micro-step')} × ${counted(gathers.blocks, 'gather')}${why} of ${gigabytes((blocks * stored) / shard)} of blocks and ${gathers.outside} of ${gigabytes((outside * stored) / shard)}`,
    hides: prefetches(facts) ? 'beside-compute' : 'never',
    perTensor: true,
  });
}

/** Gradients kept on the host come back to the GPU to be added to, from the second micro-step on. */
function addGradientsDraft(facts: TimeFacts, { optimizer }: OffloadFacts): Draft | undefined {
  const gradients = hostGradientBytes(facts, optimizer);
  if (gradients === 0 || facts.accumulation <= 1 || facts.sharding.kind === 'fsdp') return undefined;
  return copy(facts, {
    id: 'offload.gradients-to-gpu',
    label: 'accumulated gradients back to the GPU, to be added to',
    bytes: (facts.accumulation - 1) * gradients,
    formula: `${counted(facts.accumulation - 1, 'micro-step')} × ${gigabytes(gradients)}`,
    hides: prefetches(facts) ? 'beside-compute' : 'never',
    perTensor: true,
  });
}

/** Weights that the CPU has updated, where the GPU keeps its own copy. */
function newWeightsDraft(facts: TimeFacts, { optimizer, param }: OffloadFacts): Draft | undefined {
  if (optimizer === 'none' || param !== 'none') return undefined;
  const bytes = steppedParameters(facts) * (1 - shareOnGpu(facts)) * facts.weightBytes;
  return copy(facts, {
    id: 'offload.weights-to-gpu',
    label: 'updated weights to the GPU',
    bytes,
    formula: `${gigabytes(bytes)} once per step`,
    hides: 'never',
    perTensor: false,
  });
}

/** Weights that Twin-Flow has updated on the GPU, where they live on the host: stage3.py:2858 (0.19.8) copies each sub-group back. */
function weightsBackDraft(facts: TimeFacts, { optimizer, param }: OffloadFacts): Draft | undefined {
  const share = facts.sharding.kind === 'zero' && optimizer !== 'none' && param === 'cpu' ? shareOnGpu(facts) : 0;
  if (share === 0) return undefined;
  const bytes = steppedParameters(facts) * share * facts.weightBytes;
  return copy(facts, {
    id: 'offload.weights-to-host',
    label: 'weights updated on the GPU, back to the host',
    bytes,
    formula: `${gigabytes(bytes)} once per step`,
    hides: 'never',
    perTensor: false,
  });
}

/** Every micro-step's gradient shard to the host, and once the fp32 copy that the CPU's optimizer reads. */
function gradientsToHostDraft(facts: TimeFacts, { optimizer, param }: OffloadFacts): Draft | undefined {
  const gradients = hostGradientBytes(facts, optimizer);
  if (gradients === 0) return undefined;
  const fsdp = facts.sharding.kind === 'fsdp';
  const times = fsdp ? 1 : facts.accumulation;
  const boundary = fsdp ? 0 : 4 * steppedParameters(facts) * (1 - shareOnGpu(facts));
  return copy(facts, {
    id: 'offload.gradients-to-host',
    label: 'gradients to the host',
    bytes: times * gradients + boundary,
    formula: `${times} × ${gigabytes(gradients)}${boundary > 0 ? ` + ${gigabytes(boundary)} in fp32 at the step` : ''}`,
    // PCIe is full duplex: what goes down runs against what comes up on another stream.
    hides: param === 'none' ? 'beside-compute' : 'beside-pcie',
    perTensor: true,
  });
}

function hostGradientBytes(facts: TimeFacts, optimizer: OffloadDevice): number {
  if (optimizer === 'none') return 0;
  const { sharding, gradientBytes } = facts;
  const accumulated = sharding.kind === 'zero' ? valueIfKnown(sharding.gradAccumDtype) : undefined;
  const each =
    sharding.kind === 'fsdp' ? storedBytes(facts) : accumulated === undefined ? gradientBytes : bytesOf(accumulated);
  // All of them: stage 3 keeps its flat gradients on the host also where Twin-Flow steps some on the GPU (stage3.py:791, 0.19.8).
  return steppedParameters(facts) * each;
}

/** FSDP keeps weights, and so gradients, in the dtype they were loaded in; fp32 where it upcasts for mixed precision. */
function storedBytes({ run, compute }: TimeFacts): number {
  if (valueIfKnown(run.precision.mode) === 'pure') return bytesOf(compute);
  return bytesOf(valueIfKnown(run.precision.weights) ?? 'fp32');
}

interface Copy {
  readonly id: string;
  readonly label: string;
  readonly bytes: number;
  readonly formula: string;
  readonly hides: Draft['hides'];
  /** Tensor by tensor rather than in one large block. */
  readonly perTensor: boolean;
}

function copy(facts: TimeFacts, { id, label, bytes, formula, hides, perTensor }: Copy): Draft {
  const { host } = facts.cluster;
  const pinned = facts.sharding.kind !== 'zero' || valueIfKnown(facts.sharding.pinMemory) === true;
  const share = pinned ? 1 : UNPINNED_SHARE;
  const rate = (perTensor ? host.copyBytesPerSecondPerGpu : host.pcieBytesPerSecondPerGpu) * share;
  const seconds = bytes / rate;
  const reached = hides === 'beside-compute' ? { slows: seconds * NEVER_HIDDEN_SHARE } : {};
  return {
    ...reached,
    id,
    label,
    seconds,
    band: {
      low: bytes / (Math.max(perTensor ? host.copyHigh : rate, rate) * 1.05),
      high: bytes / (Math.min(perTensor ? host.copyLow * share : rate, rate) * 0.8),
    },
    formula: `${formula} = ${gigabytes(bytes)} ÷ ${formatRate(rate)} (${host.pcieLabel}${pinned ? '' : ', memory not pinned'})`,
    source: SOURCE,
    group: 'offload',
    cause: 'host link (PCIe)',
    hides,
    traffic: { link: 'host', bytes },
  };
}
