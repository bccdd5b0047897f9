import { valueIfKnown } from '../../run/known';
import type { ZeroSharding } from '../../run/training-run';
import { formatParameters as count } from '../../text/format';
import { buffer, buffersOf, largestTrained, type Transients } from './buffers';
import type { Facts } from './facts';
import type { Part } from './part';

const SOURCE = 'deepspeed/runtime/zero/stage_1_and_2.py (v0.19), counted';
/** `reduce_bucket_size` default: deepspeed/runtime/zero/config.py. */
const BUCKET_ELEMENTS = 5e8;

/**
 * ZeRO-1 and 2. Gradients collect in a bucket (two with overlap_comm) that is flattened when it is reduced; a parameter larger
 * than the bucket goes round it with a copy of its own. The gradient norm is taken in fp64, one tensor at a time.
 */
export function zero12Transients(facts: Facts, zero: ZeroSharding): Transients {
  const { trainable, shards, weightBytes: w } = facts;
  const offloads = (valueIfKnown(zero.offloadOptimizer) ?? 'none') !== 'none';
  const isStage1 = valueIfKnown(zero.stage) === 1;
  const bucket = valueIfKnown(zero.reduceBucketElements) ?? BUCKET_ELEMENTS;
  const buckets = valueIfKnown(zero.overlapComm) === true ? 2 : 1;
  const largest = Math.min(largestTrained(facts), trainable);
  const partition = trainable / shards;
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
  const flat = (elements: number): Part => make('flat', 'flat copy of the bucket being reduced', w, elements);
  // A large parameter is held with its flat copy; stage 1 leaves the head's gradient alive until the end as well.
  const large = (copies: number): Part =>
    make('large', 'gradient larger than the bucket, and its flat copy', w, largest, copies);
  const norm = make('norm', 'fp64 copy for the gradient norm', 8, normed);
  const accumulates = isStage1 && facts.accumulation >= 2;
  const isLarge = largest > bucket;
  const first = [...standing, ipg, isLarge ? large(accumulates ? 1 : 2) : flat(Math.min(bucket, trainable))];
  const clone = make('clone', 'copies of the largest gradient', w, largest, isStage1 ? 2 : 1);
  const last = isLarge ? large(isStage1 ? 3 : 2) : flat(trainable % bucket);
  const kept = make('partition', 'gradients of the partition', w, partition);
  return {
    loss: standing,
    block: [...standing, ipg],
    reduce: first,
    reducedAfter: isLarge ? 0 : Math.min(1, bucket / trainable),
    end: offloads ? [...standing, ipg, clone, norm] : isLarge ? [ipg, last] : [ipg, last, kept],
    // The step flattens the gradients of its partition, and converts them: two single tensors.
    flat: offloads ? 0 : (4 + w) * partition,
    step: offloads ? standing : [stepGradients(facts, partition, normed, largest)],
    save: standing,
  };
}

/** The step holds the 16-bit gradients of its partition twice and their fp32 copy; before that, the fp64 norm beside the 16-bit ones. */
function stepGradients(facts: Facts, partition: number, normed: number, largest: number): Part {
  const w = facts.weightBytes;
  const converted = (4 + 2 * w) * partition;
  const inNorm = 8 * normed + w * Math.max(partition, largest);
  return converted >= inNorm
    ? buffersOf(facts, SOURCE, 'elements')(
        'fp32-gradients',
        'gradients of the partition, flat and in fp32',
        4 + 2 * w,
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
