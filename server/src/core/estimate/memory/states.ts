import { valueIfKnown } from '../../run/known';
import { formatParameters } from '../../text/format';
import { shareKeptOnGpu } from '../twin-flow';
import { usesBf16Optimizer } from './bf16-optimizer';
import type { Facts } from './facts';
import { megatronStates } from './megatron';
import { hostStateBytes, optimizerStateBytes, stateFormula } from './optimizer-state';
import { COUNTED, type Part, sumBytes } from './part';
import { rankWords } from './spread';
import { dtypeName, trainedBytes, weightParts } from './weights';

/** What stays on the GPU from step to step, and how gradients come and go. Estimation §3.1. */
export interface States {
  /** Weights, masters and optimizer states: alive in every phase of training. */
  readonly resident: readonly Part[];
  /** Weights alone: what loading and evaluation hold before the first step. */
  readonly weights: readonly Part[];
  /** Gradients as they are kept between backward and the step. */
  readonly gradients: Part | undefined;
  /** What micro-steps before the last leave behind, where that is not {@link gradients}: stage 1 reduces only at the end. */
  readonly accumulated?: Part | undefined;
  /** Gradient memory that is there from start to end, as DDP's buckets and ZeRO-3's flat partition. */
  readonly standing: readonly Part[];
  /** Bytes of one gradient element as the framework keeps it. */
  readonly gradientBytes: number;
  /** Bytes each data-parallel rank keeps on the host instead, by what they are. */
  readonly offloaded: {
    readonly weights: number;
    readonly master: number;
    readonly optimizer: number;
    readonly gradients: number;
  };
}

/** What stays from step to step, or comes back in the same places: the allocator's cache grows with the rest. */
export function standingOf(facts: Facts, states: States): number {
  // Of several micro-steps the gradients stay where they are until the last is done.
  const kept = facts.accumulation >= 2 ? (states.accumulated ?? states.gradients) : states.gradients;
  const gradients = facts.optimizer.layerwise === true ? 0 : (kept?.bytes ?? 0);
  return sumBytes(states.resident) + sumBytes(states.standing) + gradients;
}

const ZERO_SOURCE = 'ZeRO, arXiv 1910.02054; deepspeed/runtime/zero';
const TORCH_SOURCE = `torch.nn.Parameter and torch.optim; ${COUNTED}`;

/** The persistent state of one rank in every mode. */
export function persistentStates(facts: Facts): States {
  switch (facts.sharding.kind) {
    case 'zero':
      return zeroStates(facts, facts.sharding);
    case 'fsdp':
      return shardedStates(facts, facts.sharding);
    case 'megatron':
      return megatronStates(facts, facts.sharding);
    default:
      return replicatedStates(facts);
  }
}

type Zero = Extract<Facts['sharding'], { kind: 'zero' }>;
type Fsdp = Extract<Facts['sharding'], { kind: 'fsdp' }>;

function zeroStates(facts: Facts, zero: Zero): States {
  const { counts, shards, spread, trainable } = facts;
  const stage = valueIfKnown(zero.stage) ?? 0;
  const optimizerDevice = valueIfKnown(zero.offloadOptimizer) ?? 'none';
  const paramDevice = stage === 3 ? (valueIfKnown(zero.offloadParam) ?? 'none') : 'none';
  const offloadsOptimizer = stage >= 1 && optimizerDevice !== 'none';
  const optimizerShards = stage >= 1 ? spread.trained : 1;
  const weightShards = stage === 3 ? spread.weights : 1;
  // Twin-Flow offloads a share of the states only.
  const kept = offloadsOptimizer ? shareKeptOnGpu(zero, trainable / optimizerShards, facts.consumer) : 1;
  const weight = facts.weightBytes;
  const accumulate = valueIfKnown(zero.gradAccumDtype);
  const gradient = accumulate === 'fp32' ? 4 : accumulate === undefined ? weight : 2;

  const weights = weightParts(facts, weightShards);
  const weightBytes = weights.reduce((sum, part) => sum + part.bytes, 0);
  const resident: Part[] = paramDevice === 'none' ? [...weights] : [];
  const secondary = valueIfKnown(zero.hpzPartitionRanks) ?? 1;
  if (stage === 3 && secondary > 1 && secondary < shards) {
    resident.push({
      id: 'parameters.secondary',
      group: 'parameters',
      bytes: (weight * counts.total) / secondary,
      label: () => `second copy of the weights inside the node (hpZ)`,
      formula: () => `${weight} B × ${formatParameters(counts.total)} parameters ÷ ${secondary} ranks`,
      source: 'ZeRO++, arXiv 2306.10209',
      from: facts.from.sharding,
    });
  }
  const master = masterPart(facts, optimizerShards, kept);
  const states = optimizerPart(facts, optimizerShards, 4, kept);
  if (master.bytes > 0) resident.push(master);
  if (states.bytes > 0) resident.push(states);
  const onGpu = 1 - (offloadsOptimizer ? 1 : 0);
  const gradientShards = stage >= 1 ? spread.trained : 1;
  const full = gradientPart(facts, gradient, gradientShards, ZERO_SOURCE);
  const masterBytes = (4 * trainable) / optimizerShards;
  const stateBytes = optimizerStateBytes(facts, 4) / optimizerShards;
  if (usesBf16Optimizer(facts, zero)) {
    const own = gradientPart(facts, weight, 1, ZERO_SOURCE);
    const summed = gradientPart(facts, 4, 1, 'deepspeed/runtime/bf16_optimizer.py: one fp32 tensor from start to end');
    return { resident, weights, gradients: own, standing: [summed], gradientBytes: 4, offloaded: NOTHING_OFFLOADED };
  }
  return {
    resident,
    weights: paramDevice === 'none' ? weights : [],
    // Stage 3 keeps its flat gradient partition from start to end, on the host when the optimizer is there.
    gradients: stage === 3 || offloadsOptimizer ? undefined : full,
    accumulated:
      stage === 1 || (stage >= 1 && !offloadsOptimizer) ? accumulatedPart(facts, stage, gradient, full) : undefined,
    standing:
      stage === 3 && onGpu === 1
        ? [full]
        : offloadsOptimizer && kept > 0
          ? [steppedGradients(facts, optimizerShards, kept)]
          : [],
    gradientBytes: gradient,
    offloaded: {
      weights: paramDevice === 'none' ? 0 : weightBytes,
      master: masterBytes * (1 - kept),
      optimizer: stateBytes * (1 - kept),
      gradients: offloadsOptimizer ? full.bytes : 0,
    },
  };
}

function shardedStates(facts: Facts, fsdp: Fsdp): States {
  const strategy = valueIfKnown(fsdp.strategy) ?? 'FULL_SHARD';
  const shards = strategy === 'NO_SHARD' ? 1 : facts.shards;
  const offload = valueIfKnown(fsdp.offloadParams) ?? false;
  const weights = weightParts(facts, shards);
  const weightBytes = weights.reduce((sum, part) => sum + part.bytes, 0);
  const trained = trainedBytes(facts);
  const states = optimizerPart(facts, shards, trained, 1);
  const gradients = gradientPart(facts, trained, shards, 'torch FSDP: gradients have the dtype of the stored shard');
  return {
    resident: offload ? [] : [...weights, ...(states.bytes > 0 ? [states] : [])],
    weights: offload ? [] : weights,
    gradients: offload ? undefined : gradients,
    standing: [],
    gradientBytes: trained,
    offloaded: offload
      ? { weights: weightBytes, master: 0, optimizer: states.bytes, gradients: gradients.bytes }
      : NOTHING_OFFLOADED,
  };
}

const NOTHING_OFFLOADED = { weights: 0, master: 0, optimizer: 0, gradients: 0 };

function replicatedStates(facts: Facts): States {
  const gradient = trainedBytes(facts);
  const weights = weightParts(facts, 1);
  const states = optimizerPart(facts, 1, gradient, 1);
  const gradients = gradientPart(facts, gradient, 1, TORCH_SOURCE);
  const isDdp = facts.sharding.kind === 'ddp';
  const bucketView = facts.sharding.kind === 'ddp' && facts.sharding.bucketView;
  const buckets: Part = {
    id: 'gradients.buckets',
    group: 'gradients',
    bytes: gradients.bytes,
    label: () => (bucketView ? 'DDP buckets, which hold the gradients' : 'DDP buckets, a flat copy of the gradients'),
    formula: gradients.formula,
    source: 'torch DistributedDataParallel, gradient_as_bucket_view',
    from: facts.from.sharding,
  };
  return {
    resident: states.bytes > 0 ? [...weights, states] : weights,
    weights,
    gradients: isDdp && bucketView ? undefined : gradients,
    // Micro-steps before the last are not reduced (no_sync), and keep gradients of their own: counted by test/oracle/record_ddp.py.
    accumulated: isDdp && bucketView ? gradients : undefined,
    standing: isDdp ? [buckets] : [],
    gradientBytes: gradient,
    offloaded: { ...NOTHING_OFFLOADED, optimizer: hostStateBytes(facts, gradient) },
  };
}

/** Between micro-steps stage 1 has all gradients; stage 2 has whole parameters, however little of one its partition has. */
function accumulatedPart(facts: Facts, stage: number, gradient: number, full: Part): Part | undefined {
  if (stage === 1) return gradientPart(facts, gradient, 1, ZERO_SOURCE);
  const embedding = gradient * facts.counts.embedding;
  if (stage === 3 || facts.lora !== undefined || embedding <= full.bytes) return undefined;
  const formula = (): string =>
    `${gradient} B × ${formatParameters(facts.counts.embedding)} parameters of the embedding`;
  return { ...full, bytes: embedding, formula };
}

function gradientPart(facts: Facts, bytes: number, shards: number, source: string): Part {
  const { trainable } = facts;
  return {
    id: 'gradients.kept',
    group: 'gradients',
    bytes: (bytes * trainable) / shards,
    label: () => `gradients, ${dtypeName(bytes)}${shards > 1 ? `, sharded over ${rankWords(shards)}` : ''}`,
    formula: () =>
      `${bytes} B × ${formatParameters(trainable)} parameters${shards > 1 ? ` ÷ ${rankWords(shards)}` : ''}`,
    source,
    from: facts.from.sharding,
  };
}

/** What Twin-Flow steps on the GPU has fp32 gradients there from start to end (deepspeed/runtime/zero/stage3.py:1342, 0.19.8). */
function steppedGradients(facts: Facts, shards: number, share: number): Part {
  const whole = gradientPart(facts, 4, shards, 'deepspeed/runtime/zero/stage3.py: _create_fp32_partitions');
  return { ...whole, bytes: whole.bytes * share, formula: () => `${whole.formula()}${shareText(share)}` };
}

/** ZeRO keeps an fp32 copy of what it steps, also when the model is fp32 already (stage_1_and_2.py clones the partition). */
export function masterPart(facts: Facts, shards: number, share: number): Part {
  const { trainable } = facts;
  return {
    id: 'optimizer.master',
    group: 'optimizer',
    bytes: ((4 * trainable) / shards) * share,
    label: () => `fp32 copy of the weights${shards > 1 ? `, sharded over ${rankWords(shards)}` : ''}`,
    formula: () =>
      `4 B × ${formatParameters(trainable)} parameters${shards > 1 ? ` ÷ ${rankWords(shards)}` : ''}${shareText(share)}`,
    source: ZERO_SOURCE,
    from: facts.from.optimizer,
  };
}

/** What the optimizer keeps, and the share of it on the GPU. */
export function optimizerPart(facts: Facts, shards: number, width: number, share: number): Part {
  const { optimizer, trainable } = facts;
  const all = optimizerStateBytes(facts, width);
  return {
    id: 'optimizer.moments',
    group: 'optimizer',
    bytes: (all / shards) * share,
    label: () => `${optimizer.label}${shards > 1 ? `, sharded over ${rankWords(shards)}` : ''}`,
    formula: () =>
      `${stateFormula(facts, all, trainable)}${shards > 1 ? ` ÷ ${rankWords(shards)}` : ''}${shareText(share)}`,
    source: 'optimizer state by name: transformers src/transformers/trainer_optimizer.py (v5.18.0)',
    from: facts.from.optimizer,
  };
}

function shareText(share: number): string {
  return share < 1 && share > 0 ? ` × ${Number(share.toPrecision(4))} kept on the GPU` : '';
}
