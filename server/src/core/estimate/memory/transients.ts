import { formatParameters } from '../../text/format';
import { type Facts, optional } from './facts';
import type { Part } from './part';

/** What sharding itself allocates beside states and activations, by moment. Estimation §3.5. */
export interface Transients {
  /** From the loss to the start of backward. */
  readonly loss: readonly Part[];
  /** While a block's backward runs. */
  readonly block: readonly Part[];
  /** While the embedding's gradient is reduced, with nothing else left of the graph. */
  readonly end: readonly Part[];
  /** During the optimizer step. */
  readonly step: readonly Part[];
  /** While a full state dict is gathered. */
  readonly save: readonly Part[];
}

/** The largest block on this rank, in parameters: FSDP's unit and what ZeRO-3 gathers for one layer. */
export function largestBlock(facts: Facts): number {
  let largest = 0;
  for (const numel of facts.counts.perBlock) largest = Math.max(largest, numel);
  return largest;
}

export function shardingTransients(facts: Facts): Transients {
  const { sharding } = facts;
  if (sharding.kind === 'fsdp') return fsdpTransients(facts, sharding);
  if (sharding.kind !== 'zero') return NONE;
  const stage = optional(sharding.stage) ?? 0;
  if (stage === 0) return zeroStepOnly(facts, 1);
  return stage === 3 ? zero3Transients(facts, sharding) : zero12Transients(facts, sharding);
}

type Zero = Extract<Facts['sharding'], { kind: 'zero' }>;
type Fsdp = Extract<Facts['sharding'], { kind: 'fsdp' }>;

const NONE: Transients = { loss: [], block: [], end: [], step: [], save: [] };

/** DeepSpeed's own defaults: deepspeed/runtime/zero/config.py. */
const BUCKET_ELEMENTS = 5e8;
const LIVE_ELEMENTS = 1e9;

function buffer(id: string, bytes: number, label: string, formula: () => string, source: string, facts: Facts): Part {
  return { id, group: 'buffers', bytes, label: () => label, formula, source, from: facts.from.sharding };
}

const STAGE12 = 'deepspeed/runtime/zero/stage_1_and_2.py (v0.19), counted';
const STAGE3 = 'deepspeed/runtime/zero/stage3.py (v0.19), counted';

/**
 * Stages 1 and 2 collect gradients in a bucket (two with overlap_comm) and flatten what they reduce; a parameter larger than the
 * bucket goes round it with its own copies. The gradient norm is taken in fp64, one tensor at a time.
 */
function zero12Transients(facts: Facts, zero: Zero): Transients {
  const { counts, trainable, shards, weightBytes: w } = facts;
  const offloads = (optional(zero.offloadOptimizer) ?? 'none') !== 'none';
  const bucket = optional(zero.reduceBucketElements) ?? BUCKET_ELEMENTS;
  const buckets = optional(zero.overlapComm) === true ? 2 : 1;
  const largest = Math.min(counts.largest, trainable);
  const reduced = Math.min(bucket, trainable);
  const isLarge = largest > bucket;
  const ipg = buffer(
    'buffers.reduce',
    w * bucket * buckets,
    buckets === 2 ? 'two gradient buckets (overlap_comm)' : 'gradient bucket',
    () => `${buckets} × ${w} B × ${formatParameters(bucket)} elements`,
    STAGE12,
    facts,
  );
  const flat = isLarge
    ? buffer(
        'buffers.large',
        3 * w * largest,
        'gradients larger than the bucket and their flat copy',
        () => `3 × ${w} B × ${formatParameters(largest)} elements`,
        STAGE12,
        facts,
      )
    : buffer(
        'buffers.flat',
        w * reduced,
        'flat copy of the bucket being reduced',
        () => `${w} B × ${formatParameters(reduced)} elements`,
        STAGE12,
        facts,
      );
  const standing = offloads ? [offloadBuffer(facts, largest)] : [];
  const norm = Math.min(largest, trainable / shards);
  const inNorm = buffer(
    'buffers.norm',
    8 * norm,
    'fp64 copy for the gradient norm',
    () => `8 B × ${formatParameters(norm)} elements`,
    STAGE12,
    facts,
  );
  const end = offloads
    ? [
        ...standing,
        ipg,
        buffer(
          'buffers.clone',
          w * largest,
          'copy of the largest gradient',
          () => `${w} B × ${formatParameters(largest)} elements`,
          STAGE12,
          facts,
        ),
        inNorm,
      ]
    : [ipg, flat];
  const partition = trainable / shards;
  // Fp32 gradients of the partition, or the fp64 norm beside the 16-bit ones: whichever is more.
  const fp32 = buffer(
    'buffers.fp32-gradients',
    Math.max(4 * partition, 8 * norm + w * Math.max(partition, largest)),
    'fp32 gradients of the partition, or the fp64 gradient norm',
    () =>
      `max(4 B × ${formatParameters(partition)}, 8 B × ${formatParameters(norm)} + ${w} B × ${formatParameters(Math.max(partition, largest))})`,
    STAGE12,
    facts,
  );
  return {
    loss: standing,
    block: [...standing, ipg, ...(offloads ? [] : [flat])],
    end,
    step: offloads ? standing : [fp32],
    save: [],
  };
}

function offloadBuffer(facts: Facts, largest: number): Part {
  const w = facts.weightBytes;
  return buffer(
    'buffers.offload',
    w * largest,
    'buffer that carries gradients to the host',
    () => `${w} B × ${formatParameters(largest)} elements`,
    STAGE12,
    facts,
  );
}

/** Without partitioning: fp32 gradients of everything at the step (deepspeed/runtime/bf16_optimizer.py and fp16 fused_optimizer.py). */
function zeroStepOnly(facts: Facts, shards: number): Transients {
  const partition = facts.trainable / shards;
  const fp32 = buffer(
    'buffers.fp32-gradients',
    4 * partition,
    'fp32 gradients',
    () => `4 B × ${formatParameters(partition)} elements`,
    'deepspeed/runtime/bf16_optimizer.py',
    facts,
  );
  return { ...NONE, step: [fp32] };
}

/**
 * Stage 3 gathers parameters up to stage3_max_live_parameters and keeps those it will soon use again. A gradient larger than the
 * bucket waits for the next one. At the embedding: its gradient, the reduce buffer of the same size, its own shard and, with the
 * optimizer on the host, the fp64 copy of the shard for the norm: counted for 2 to 16 ranks.
 */
function zero3Transients(facts: Facts, zero: Zero): Transients {
  const { counts, trainable, shards, weightBytes: w, lora } = facts;
  const bucketElements = optional(zero.reduceBucketElements) ?? BUCKET_ELEMENTS;
  const maxLive = optional(zero.maxLiveElements) ?? LIVE_ELEMENTS;
  const prefetch = optional(zero.prefetchBucketElements) ?? 5e7;
  const largest = counts.largest;
  const live = Math.min(counts.total, Math.max(largest, maxLive, prefetch));
  const offloads = (optional(zero.offloadOptimizer) ?? 'none') !== 'none';
  const trainedLargest = lora === undefined ? largest : lora.largest;
  const bucket = buffer(
    'buffers.reduce',
    w * bucketElements,
    'gradient bucket',
    () => `${w} B × ${formatParameters(bucketElements)} elements`,
    STAGE3,
    facts,
  );
  const gathered = buffer(
    'buffers.gathered',
    w * live,
    'gathered parameters',
    () =>
      `${w} B × ${formatParameters(live)} elements (largest parameter ${formatParameters(largest)}, max live ${formatParameters(maxLive)})`,
    STAGE3,
    facts,
  );
  const waiting = buffer(
    'buffers.waiting',
    trainedLargest > bucketElements ? w * trainedLargest : 0,
    'gradient that waits to be reduced',
    () => `${w} B × ${formatParameters(trainedLargest)} elements`,
    STAGE3,
    facts,
  );
  const copies = w * (2 + 1 / shards) + (offloads ? 8 / shards : 0);
  const large = buffer(
    'buffers.largest',
    copies * trainedLargest,
    'gradient of the largest parameter and its reduction',
    () =>
      `(2 × ${w} B + ${w} B ÷ ${shards}${offloads ? ` + 8 B ÷ ${shards}` : ''}) × ${formatParameters(trainedLargest)} elements`,
    STAGE3,
    facts,
  );
  const group = Math.min(optional(zero.subGroupElements) ?? 1e9, trainable / shards);
  const step = buffer(
    'buffers.fp32-gradients',
    offloads ? 0 : (4 + w) * group,
    'fp32 gradients of the sub-group being stepped',
    () => `${4 + w} B × ${formatParameters(group)} elements`,
    STAGE3,
    facts,
  );
  const gather = buffer(
    'buffers.gathered',
    w * largest,
    'largest parameter, gathered to be saved',
    () => `${w} B × ${formatParameters(largest)} elements`,
    STAGE3,
    facts,
  );
  const gathers = optional(zero.gatherWeightsOnSave) ?? false;
  return {
    loss: [bucket, gathered],
    block: [bucket, gathered, waiting],
    end: [bucket, large],
    step: [bucket, step],
    save: gathers ? [bucket, gather] : [bucket],
  };
}

/**
 * The root unit (everything outside the blocks) stays gathered from forward to the end of backward. A block's backward holds its
 * gathered parameters twice (flat and copied out), its gradients and the reduce-scatter input: counted with FSDP2.
 */
function fsdpTransients(facts: Facts, fsdp: Fsdp): Transients {
  const strategy = optional(fsdp.strategy) ?? 'FULL_SHARD';
  const w = facts.mixed ? facts.computeBytes : facts.weightBytes;
  const { counts, lora } = facts;
  const wrapsNothing = optional(fsdp.wrap) === 'NO_WRAP';
  const unit = wrapsNothing ? 0 : largestBlock(facts);
  const root = wrapsNothing ? counts.total : counts.outside;
  const source = 'torch/distributed/fsdp (2.13–2.15), counted';
  if (strategy === 'NO_SHARD') return NONE;
  const keepsGathered = strategy === 'SHARD_GRAD_OP' || strategy === 'HYBRID_SHARD_ZERO2';
  const all = counts.total;
  const rootPart = keepsGathered
    ? buffer(
        'buffers.gathered',
        w * all,
        'weights kept gathered after forward',
        () => `${w} B × ${formatParameters(all)} parameters`,
        source,
        facts,
      )
    : buffer(
        'buffers.root',
        w * root,
        'gathered root unit (embedding, head)',
        () => `${w} B × ${formatParameters(root)} parameters`,
        source,
        facts,
      );
  const oneUnit = buffer(
    'buffers.unit',
    w * unit,
    'gathered block',
    () => `${w} B × ${formatParameters(unit)} parameters`,
    source,
    facts,
  );
  const copies = lora === undefined ? 4 : 2;
  const units = buffer(
    'buffers.units',
    copies * w * unit,
    'gathered block, its gradients and their reduction',
    () => `${copies} × ${w} B × ${formatParameters(unit)} parameters`,
    source,
    facts,
  );
  const rootGradients = lora === undefined ? root : 0;
  const end = buffer(
    'buffers.root-gradients',
    2 * w * rootGradients,
    'gradients of the root unit and their reduction',
    () => `2 × ${w} B × ${formatParameters(rootGradients)} parameters`,
    source,
    facts,
  );
  const saves = optional(fsdp.stateDict) === 'FULL_STATE_DICT';
  const gather = buffer(
    'buffers.gathered',
    facts.weightBytes * Math.max(unit, root),
    'largest unit, gathered to be saved',
    () => `${facts.weightBytes} B × ${formatParameters(Math.max(unit, root))} parameters`,
    source,
    facts,
  );
  return { loss: [rootPart, oneUnit], block: [rootPart, units], end: [end], step: [], save: saves ? [gather] : [] };
}
