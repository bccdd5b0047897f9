import { valueIfKnown } from '../../run/known';
import type { ZeroSharding } from '../../run/training-run';
import { formatParameters as count } from '../../text/format';
import { buffer, buffersOf, largestTrained, type Transients } from './buffers';
import { largerThan } from './counts';
import { expertPartitions } from './expert-partitions';
import type { Facts } from './facts';
import { muonProducts } from './muon-gathers';
import type { Part } from './part';
import { bytesPerStepped } from './step-temporaries';
import { firstReduced, flattened } from './zero-reduction';

const SOURCE = 'deepspeed/runtime/zero/stage_1_and_2.py (v0.19), counted';
/** `reduce_bucket_size` default: deepspeed/runtime/zero/config.py. */
const BUCKET_ELEMENTS = 5e8;
const FLAT = 'flat copy of the bucket being reduced';

/**
 * ZeRO-1 and 2. Gradients collect in a bucket (two with overlap_comm) that is flattened when it is reduced; a parameter larger
 * than the bucket goes round it with a copy of its own. The gradient norm is taken in fp64, one tensor at a time.
 */
export function zero12Transients(facts: Facts, zero: ZeroSharding): Transients {
  const { trainable, spread, weightBytes: w } = facts;
  const offloads = (valueIfKnown(zero.offloadOptimizer) ?? 'none') !== 'none';
  const isStage1 = valueIfKnown(zero.stage) === 1;
  const bucket = valueIfKnown(zero.reduceBucketElements) ?? BUCKET_ELEMENTS;
  const buckets = valueIfKnown(zero.overlapComm) === true ? 2 : 1;
  const largest = Math.min(largestTrained(facts), trainable);
  const partition = trainable / spread.trained;
  const normed = Math.min(largest, partition);
  const make = buffersOf(facts, SOURCE, 'elements');
  const standing = offloads ? [make('offload', 'buffer that carries gradients to the host', w, largest)] : [];
  const ipg = make(
    'reduce',
    buckets === 2 ? 'two gradient buckets (overlap_comm)' : 'gradient bucket',
    w,
    bucket,
    buckets,
  );
  const flat = (size: number): Part => make('flat', FLAT, w, size);
  // A large parameter is held with its flat copy; stage 1 leaves the head's gradient alive until the end as well.
  const large = (copies: number): Part =>
    make('large', 'gradient larger than the bucket, and its flat copy', w, largest, copies);
  const norm = make('norm', 'fp64 copy for the gradient norm', 8, normed);
  const accumulates = isStage1 && facts.accumulation >= 2;
  const isLarge = largest > bucket;
  const filled = firstReduced(facts, bucket);
  const copied = flattened(trainable - filled, filled, Math.ceil(partition), bucket);
  const waits = make('large', 'gradient larger than the bucket', w, filled > bucket ? filled : 0);
  const first = [...standing, ipg, ...(filled > bucket ? [waits] : []), flat(accumulates ? 0 : copied)];
  const clone = make('clone', 'copies of the largest gradient', w, largest, isStage1 ? 2 : 1);
  const last = isLarge ? large(isStage1 ? 3 : 2) : flat(trainable % bucket);
  const kept = make('partition', 'gradients of the partition', w, partition);
  const muon = muonProducts(facts);
  const stage1 = isStage1
    ? stage1Gradients(facts, { bucket, partition, w, overlaps: buckets === 2, offloads })
    : NOTHING;
  const apart = isStage1 || offloads || accumulates ? undefined : expertPartitions(facts);
  const end = (): readonly Part[] => {
    if (muon !== undefined && !offloads) return [ipg, ...(isStage1 ? stage1.end : [kept]), muon];
    if (stage1.end.length > 0) return [...standing, ipg, ...stage1.end, ...(offloads ? [norm] : [])];
    if (offloads) return [...standing, ipg, clone, norm];
    return isLarge ? [ipg, last] : [ipg, last, kept];
  };
  return {
    loss: standing,
    forward: [],
    block: [...standing, ipg],
    first: apart === undefined ? stage1.first : [...stage1.first, apart.kept],
    // Stage 1 without overlap reduces none before the end; others reduce one larger than the bucket when the next is there.
    experts: ({ elements, largest }) =>
      (isStage1 && buckets === 1 && !accumulates) || largest > bucket ? elements : largest,
    reduce: first,
    reducedAfter: filled > bucket ? 0 : Math.min(1, filled / trainable),
    end: end(),
    // The step flattens the gradients of its partition, and converts them: two single tensors.
    flat: offloads ? 0 : (4 + w) * partition,
    step: offloads
      ? standing
      : apart === undefined
        ? [stepGradients(facts, partition, normed, largest)]
        : [apart.kept, stepGradients(facts, apart.group, Math.min(largest, apart.group), largest)],
    save: standing,
  };
}

interface Stage1 {
  /** Beside the first block's backward. */
  readonly first: readonly Part[];
  /** When the embedding's gradient is reduced. */
  readonly end: readonly Part[];
}

const NOTHING: Stage1 = { first: [], end: [] };

interface Reduction {
  readonly bucket: number;
  readonly partition: number;
  readonly w: number;
  readonly overlaps: boolean;
  /** The partition's gradients go to the host, and leave no copy. */
  readonly offloads: boolean;
}

/**
 * Stage 1 clears no gradient before the step (stage_1_and_2.py, `reduce_ipg_grads`). With overlap_comm those in the bucket are views
 * of it, and larger ones stay, unless they are in the partition and copied there; without, nothing is reduced before the last
 * backward is over (`process_gradients`), first the embedding, whose copy in the partition comes on top. The first rank's partition
 * is the embedding and the first blocks. With the optimizer on the host the partition's go there one by one, each with its fp64 norm;
 * all others wait the same way.
 */
function stage1Gradients(facts: Facts, { bucket, partition, w, overlaps, offloads }: Reduction): Stage1 {
  const { model, tensor, pipeline, expert, splitsVocabulary, counts, lora, trainable } = facts;
  if (lora !== undefined) return NOTHING;
  const make = buffersOf(facts, SOURCE, 'elements');
  const inBlocks = counts.total - counts.outside;
  // Whole parameters are copied, however little of the last one is in the partition.
  const apart = offloads ? undefined : expertPartitions(facts);
  const whole = offloads ? 0 : Math.max(partition, Math.min(counts.embedding, trainable));
  const kept = apart?.kept ?? make('partition', 'gradients of the partition', w, whole);
  let blockCount = 0;
  for (const block of model.blocks) blockCount += block.count * counts.stageShare;
  // The first block's own are not made yet.
  const before = Math.max(0, blockCount - 1) / Math.max(1, blockCount);
  const isHeadLarge = !overlaps || counts.outside - counts.embedding > bucket;
  const head = make('large', 'gradient of the head', w, isHeadLarge ? counts.outside - counts.embedding : 0);
  const late = (elements: number): Part => make('waiting', 'gradients reduced after backward', w, elements);
  if (!overlaps) {
    // Those that the bucket takes first are views of it; a flat copy of them comes before the partition's.
    const isAlone = counts.embedding > bucket;
    const taken = isAlone ? counts.embedding : Math.min(bucket, trainable);
    const copied = offloads ? 0 : flattened(0, taken, Math.ceil(partition), bucket) * w;
    const end = [
      late(trainable - (isAlone ? 0 : taken)),
      copied > kept.bytes ? make('flat', FLAT, w, copied / w) : kept,
    ];
    return { first: facts.accumulation >= 2 ? [] : [late(inBlocks * before), head], end };
  }
  // Those of earlier micro-steps are there in full; the last one's backward adds to them.
  if (facts.accumulation >= 2) return { first: [], end: [late(trainable), kept] };
  const split = { tensor, pipeline, expert, vocabulary: splitsVocabulary ? tensor : 1 };
  const inPartition = apart === undefined ? partition : apart.kept.bytes / w;
  const own = Math.max(0, inPartition - counts.embedding) / Math.max(1, inBlocks);
  const stay = largerThan(model, split, bucket) * counts.stageShare * Math.max(0, 1 - own);
  const label = 'gradients larger than the bucket, kept until the step';
  const waiting = make('waiting', label, w, stay);
  const early =
    largerThan(model, split, bucket) *
    counts.stageShare *
    (apart === undefined ? Math.min(before, 1 - own + 1 - before) : before * Math.max(0, 1 - own));
  const isLarge = counts.embedding > bucket;
  const outside = make(
    'large',
    'gradients of head and embedding',
    w,
    isLarge ? counts.outside : Math.min(bucket, counts.outside),
  );
  return {
    first: stay > 0 || apart !== undefined ? [make('waiting', label, w, early), kept, head] : [],
    end: [waiting, outside, kept],
  };
}

/** The step holds the 16-bit gradients of its partition twice and their fp32 copy; before that, the fp64 norm beside the 16-bit ones. */
function stepGradients(facts: Facts, partition: number, normed: number, largest: number): Part {
  const w = facts.weightBytes;
  const each = 4 + Math.max(2 * w, bytesPerStepped(facts, 4));
  const converted = each * partition;
  const inNorm = 8 * normed + w * Math.max(partition, largest);
  return converted >= inNorm
    ? buffersOf(facts, SOURCE, 'elements')(
        'fp32-gradients',
        'gradients of the partition, flat and in fp32',
        each,
        partition,
      )
    : buffer(
        facts,
        'norm',
        inNorm,
        'fp64 gradient norm beside the 16-bit gradients',
        SOURCE,
        () => `8 B × ${count(normed)} + ${w} B × ${count(Math.max(partition, largest))} elements`,
      );
}
