import { valueIfKnown } from '../../run/known';
import type { ZeroSharding } from '../../run/training-run';
import { formatParameters as count } from '../../text/format';
import { buffer, buffersOf, largestTrained, type Transients } from './buffers';
import type { Facts } from './facts';
import { muonGathers } from './muon-gathers';
import type { Part } from './part';
import { bytesPerStepped } from './step-temporaries';
import { quantisedGather, reductionOf } from './zero-plus';

const SOURCE = 'deepspeed/runtime/zero/stage3.py (v0.19), counted';
/** Defaults of deepspeed/runtime/zero/config.py. */
const BUCKET_ELEMENTS = 5e8;
const LIVE_ELEMENTS = 1e9;

/**
 * ZeRO-3 gathers parameters up to stage3_max_live_parameters and keeps those it will soon use again. A gradient larger than the
 * bucket waits for the next one. At the embedding, the largest parameter as a rule: its gradient, a reduce buffer of the same size,
 * its own shard and, with the optimizer on the host, an fp64 copy of the shard for the norm. Counted for 2 to 16 ranks.
 */
export function zero3Transients(facts: Facts, zero: ZeroSharding): Transients {
  const { counts, shards, weightBytes: w } = facts;
  const bucketElements = valueIfKnown(zero.reduceBucketElements) ?? BUCKET_ELEMENTS;
  const maxLive = valueIfKnown(zero.maxLiveElements) ?? LIVE_ELEMENTS;
  const largest = counts.largest;
  const trained = largestTrained(facts);
  const live = Math.min(counts.total, Math.max(largest, maxLive));
  const offloads = (valueIfKnown(zero.offloadOptimizer) ?? 'none') !== 'none';
  const make = buffersOf(facts, SOURCE, 'elements');
  const bucket = make('reduce', 'gradient bucket', w, bucketElements);
  const gathered = buffer(
    facts,
    'gathered',
    w * live,
    'gathered parameters',
    SOURCE,
    () => `${w} B × ${count(live)} elements (largest parameter ${count(largest)}, max live ${count(maxLive)})`,
  );
  // While the head's gradient is reduced on its way to the host, its gathered weight is gone and the norm's copy is there.
  const waits = trained > bucketElements;
  const extra = waits && offloads ? Math.max(0, ((8 + w) * trained) / shards - w * trained) : 0;
  const waiting = buffer(
    facts,
    'waiting',
    waits ? w * trained + extra : 0,
    'gradient larger than the bucket, waiting to be reduced',
    SOURCE,
    () =>
      extra > 0
        ? `(${w} B + 8 B, for its norm) × ${count(trained)} elements ÷ ${shards} ranks`
        : `${w} B × ${count(trained)} elements`,
  );
  const reduced = reductionOf(facts, zero);
  const each = w + reduced.bytes + (offloads ? 8 / shards : 0);
  const large = buffer(
    facts,
    'largest',
    each * trained,
    'gradient of the largest parameter and its reduction',
    SOURCE,
    () => `(${w} B + ${reduced.words}${offloads ? ` + 8 B ÷ ${shards}` : ''}) × ${count(trained)} elements`,
  );
  const gathers = valueIfKnown(zero.gatherWeightsOnSave) ?? false;
  const stepped = stepGradients(facts, zero);
  const muon = muonGathers(facts, zero);
  // hpZ: what is still gathered has no second copy yet.
  const secondary = valueIfKnown(zero.hpzPartitionRanks) ?? 1;
  const copied = secondary > 1 && secondary < shards ? w / secondary : 0;
  const fresh =
    copied === 0
      ? gathered
      : make('gathered', 'gathered parameters, before their copy inside the node', w - copied, live);
  return {
    loss: [bucket, fresh],
    forward: [],
    block: [bucket, gathered, waiting, ...quantisedGather(facts, zero)],
    first: [],
    // One larger than the bucket is counted as waiting.
    experts: ({ elements, largest }) => (largest > bucketElements ? elements - largest : largest),
    reduce: [],
    reducedAfter: 0,
    end: [bucket, large],
    flat: 0,
    step: [bucket, ...(offloads ? [] : [muon !== undefined && muon.bytes > stepped.bytes ? muon : stepped])],
    save: gathers ? [bucket, make('saved', 'largest parameter, gathered to be saved', w, largest)] : [bucket],
  };
}

/** One sub-group at a time is converted to fp32, which its 16-bit gradients outlive, and stepped. */
function stepGradients(facts: Facts, zero: ZeroSharding): Part {
  const w = facts.weightBytes;
  const group = Math.min(valueIfKnown(zero.subGroupElements) ?? 1e9, facts.trainable / facts.shards);
  const make = buffersOf(facts, SOURCE, 'elements');
  const each = 4 + Math.max(w === 4 ? 0 : w, bytesPerStepped(facts, 4));
  return make('fp32-gradients', 'fp32 gradients of the sub-group being stepped, and what stepping takes', each, group);
}
