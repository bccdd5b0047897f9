import { valueIfKnown } from '../../run/known';
import type { ZeroSharding } from '../../run/training-run';
import { formatParameters as count } from '../../text/format';
import { buffer, buffersOf, largestTrained, type Transients } from './buffers';
import { elements } from './counts';
import type { Facts } from './facts';
import type { GatherLimits } from './gather-order';
import { gatherWalk } from './gather-walk';
import { hasVocabularyHead } from './loss-head';
import { isMics, micsGather } from './mics';
import { muonGathers } from './muon-gathers';
import type { Part } from './part';
import { bytesPerStepped } from './step-temporaries';
import { quantisedGather, reductionOf } from './zero-plus';

const SOURCE = 'deepspeed/runtime/zero/stage3.py (v0.19), counted';
/** Defaults of deepspeed/runtime/zero/config.py. */
const BUCKET_ELEMENTS = 5e8;
const LIVE_ELEMENTS = 1e9;
const PREFETCH_ELEMENTS = 5e7;
const PERSISTENT_ELEMENTS = 1e5;
const WAITING = 'gradient larger than the bucket, waiting to be reduced';
const GATHER_SOURCE = 'deepspeed/runtime/zero/partitioned_param_coordinator.py (0.19.8), walked; counted';

/**
 * ZeRO-3 gathers parameters up to stage3_max_live_parameters and keeps those it will soon use again (gather-walk.ts); small ones stay
 * gathered on every rank until the optimizer steps, and from then on again (stage3.py:2841). A gradient larger than the
 * bucket waits for the next one. At the embedding, the largest parameter as a rule: its gradient, a reduce buffer of the same size,
 * its own shard and, with the optimizer on the host, an fp64 copy of the shard for the norm. Counted for 2 to 16 ranks.
 */
export function zero3Transients(facts: Facts, zero: ZeroSharding): Transients {
  const { counts, shards, weightBytes: w } = facts;
  const bucketElements = valueIfKnown(zero.reduceBucketElements) ?? BUCKET_ELEMENTS;
  const maxLive = valueIfKnown(zero.maxLiveElements) ?? LIVE_ELEMENTS;
  const largest = counts.largest;
  const trained = largestTrained(facts);
  const walk = gatherWalk(facts, limitsOf(zero, maxLive));
  const persistent = walk.persistent + persistentAdapters(facts, zero);
  const offloads = (valueIfKnown(zero.offloadOptimizer) ?? 'none') !== 'none';
  const make = buffersOf(facts, SOURCE, 'elements');
  const bucket = make('reduce', 'gradient bucket', w, bucketElements);
  const gathered = (live: number, what = 'gathered parameters', width: number = w): Part =>
    buffer(
      facts,
      'gathered',
      width * (live + persistent),
      what,
      GATHER_SOURCE,
      () =>
        `${width} B × ${count(live + persistent)} elements (largest parameter ${count(largest)}, max live ${count(maxLive)})`,
    );
  const inBlock = largestInBlocks(facts);
  const waiting = make('waiting', WAITING, w, inBlock > bucketElements ? inBlock : 0);
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
  const end = tiedGradients(facts) ?? large;
  // The largest is counted where it is gathered.
  const { persists, persistsAtMost } = limitsOf(zero, maxLive);
  const apart = largest <= persists && largest <= persistsAtMost ? largest : 0;
  const stays = make('persistent', 'small parameters that stay gathered', w, persistent - apart);
  const gathers = valueIfKnown(zero.gatherWeightsOnSave) ?? false;
  const stepped = stepGradients(facts, zero);
  const muon = muonGathers(facts, zero);
  // hpZ: what is still gathered has no second copy yet.
  const secondary = valueIfKnown(zero.hpzPartitionRanks) ?? 1;
  const copied = secondary > 1 && secondary < shards ? w / secondary : 0;
  const fresh =
    copied === 0
      ? gathered(walk.loss)
      : gathered(walk.loss, 'gathered parameters, before their copy inside the node', w - copied);
  return {
    loss: [bucket, fresh],
    made: [bucket, gathered(walk.atHead)],
    forward: [],
    block: [bucket, gathered(walk.last), waiting, ...quantisedGather(facts, zero), ...micsGather(facts, zero)],
    first: [],
    // One larger than the bucket is counted as waiting.
    experts: ({ elements, largest }) => (largest > bucketElements ? elements - largest : largest),
    reduce: [],
    reducedAfter: 0,
    head: reducedHead(facts, zero, bucketElements, [bucket, gathered(walk.head)]),
    copying: [bucket, gathered(walk.copying, 'gathered parameters, some beside the buffer they were gathered in')],
    end: [bucket, end, stays],
    flat: 0,
    step: [bucket, ...(offloads ? [] : [muon !== undefined && muon.bytes > stepped.bytes ? muon : stepped])],
    save: gathers
      ? [bucket, make('saved', 'largest parameter, gathered to be saved', w, largest), stays]
      : [bucket, stays],
  };
}

/**
 * The head's gradient is reduced as soon as the last norm's is there: from where it is, since one tensor that all ranks have the same
 * share of needs no copy (runtime/comm/coalesced_collectives.py:102, 0.19.8). On its way to the host it has a copy for the norm.
 */
function reducedHead(facts: Facts, zero: ZeroSharding, bucket: number, beside: readonly Part[]): readonly Part[] {
  const { model, lora, tensor, shards, weightBytes: w } = facts;
  const head = (model.vocabSize * model.hiddenSize) / tensor;
  if (lora !== undefined || model.tiedEmbeddings || !hasVocabularyHead(facts) || head <= bucket) return [];
  const offloads = (valueIfKnown(zero.offloadOptimizer) ?? 'none') !== 'none';
  const reduced = reductionOf(facts, zero);
  const isInPlace = head % shards === 0 && valueIfKnown(zero.quantizedGradients) !== true;
  const copied = isInPlace ? 0 : reduced.bytes;
  const normed = offloads ? (w + 8) / shards : 0;
  const words =
    normed >= copied ? `${w} B${normed > 0 ? ` + ${w + 8} B ÷ ${shards}` : ''}` : `${w} B + ${reduced.words}`;
  const gradient = buffer(
    facts,
    'largest',
    (w + Math.max(copied, normed)) * head,
    'gradient of the head and its reduction',
    SOURCE,
    () => `(${words}) × ${count(head)} elements`,
  );
  return [...beside, gradient];
}

/** A tied embedding has the head's gradient, its own and their sum at once, while its weight is gathered: counted. */
function tiedGradients(facts: Facts): Part | undefined {
  const { model, lora, tensor, weightBytes: w } = facts;
  if (lora !== undefined || !model.tiedEmbeddings || !hasVocabularyHead(facts)) return undefined;
  const embedding = (model.vocabSize * model.hiddenSize) / tensor;
  return buffersOf(facts, SOURCE, 'elements')(
    'largest',
    'gradients of the tied embedding, their sum, and its gathered weight',
    w,
    embedding,
    4,
  );
}

/** The largest trained tensor of the blocks, on this rank. */
function largestInBlocks({ model, lora, counts }: Facts): number {
  if (lora !== undefined) return lora.largest;
  let largest = 0;
  for (const group of model.groups) if (group.block !== undefined) largest = Math.max(largest, elements(group));
  return Math.min(largest, counts.largest);
}

/** The keys that decide what is gathered, with their defaults. */
function limitsOf(zero: ZeroSharding, maxLive: number): GatherLimits {
  return {
    maxLive,
    maxReuse: valueIfKnown(zero.maxReuseDistanceElements) ?? LIVE_ELEMENTS,
    prefetch: valueIfKnown(zero.prefetchBucketElements) ?? PREFETCH_ELEMENTS,
    isApart: isMics(zero),
    persists: valueIfKnown(zero.persistenceThresholdElements) ?? PERSISTENT_ELEMENTS,
    persistsAtMost: valueIfKnown(zero.elementsPersistentAtMost) ?? Number.POSITIVE_INFINITY,
  };
}

/** Adapters are small enough to stay gathered as a rule: mark_persistent_parameters (parameter_offload.py:317, 0.19.8) sees all alike. */
function persistentAdapters({ lora }: Facts, zero: ZeroSharding): number {
  const { persists, persistsAtMost } = limitsOf(zero, 0);
  let sum = 0;
  for (const [size, copies] of lora?.sizes ?? []) {
    if (size <= persists && sum + size * copies <= persistsAtMost) sum += size * copies;
  }
  return sum;
}

/** One sub-group at a time is converted to fp32, which its 16-bit gradients outlive, and stepped. */
function stepGradients(facts: Facts, zero: ZeroSharding): Part {
  const w = facts.weightBytes;
  const group = Math.min(valueIfKnown(zero.subGroupElements) ?? 1e9, facts.trainable / facts.spread.trained);
  const make = buffersOf(facts, SOURCE, 'elements');
  const each = 4 + Math.max(w === 4 ? 0 : w, bytesPerStepped(facts, 4));
  return make('fp32-gradients', 'fp32 gradients of the sub-group being stepped, and what stepping takes', each, group);
}
