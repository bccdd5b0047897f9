import { valueIfKnown } from '../../run/known';
import { formatCount } from '../../text/format';
import type { Phase } from '../estimate';
import { countActivations } from './activations';
import { largestBlock, type Transients } from './buffers';
import { expertGradients, expertMoment } from './expert-gradients';
import type { Facts } from './facts';
import { fsdpBackward, replicaSums } from './fsdp-backward';
import { blockShare, embeddingGradient, gradientsAtStep, weightGradient } from './gradients';
import { evalHeadFactor, headFactors, logitsPart } from './loss-head';
import { type Part, sumBytes } from './part';
import type { States } from './states';
import { stepTemporaries } from './step-temporaries';

/** A moment of the run and everything alive on the GPU then. */
export interface Moment {
  readonly phase: Phase;
  /** As shown: `start of backward`. */
  readonly name: string;
  readonly parts: readonly Part[];
  readonly allocated: number;
  /** Of {@link allocated}, single tensors larger than what the cache has blocks for. */
  readonly flat?: number;
  /** What the cache holds for other moments and this one cannot use. */
  readonly kept?: number;
  /** Of {@link allocated}, what torch's allocator knows nothing of: paged optimizer state. */
  readonly managed?: number;
}

/** Every moment that can peak; the estimate takes the largest, never the sum. Estimation §3.2. */
export function trainingMoments(facts: Facts, states: States, transients: Transients): Moment[] {
  const activations = countActivations(facts);
  const head = headFactors(facts);
  const resident = [...states.resident, ...states.standing];
  const isLayerwise = facts.optimizer.layerwise === true;
  const kept = isLayerwise ? scaled(states.gradients, 1 / Math.max(1, blockCount(facts)))[0] : states.gradients;
  // From the second micro-step on, gradients are alive through forward.
  const isKept = (facts.accumulation >= 2 || facts.zeroesGradients) && !isLayerwise;
  const accumulated = states.accumulated ?? kept;
  const earlier = isKept && accumulated !== undefined ? [accumulated] : [];
  const casts = activations.casts === undefined ? [] : [activations.casts];
  const graph = [...resident, ...earlier, ...casts, activations.saved];
  const untilHead = activations.headCasts === undefined ? graph : [...graph, activations.headCasts];
  const headGradient = weightGradient(facts, states);
  const count = blockCount(facts);
  const left = 1 - transients.reducedAfter;
  // The block in backward has no gradients of its own yet.
  const partial = scaled(kept, (blockShare(facts) * Math.max(0, count - 1)) / Math.max(1, count));
  const isZero = facts.sharding.kind === 'zero';
  const isFsdp = facts.sharding.kind === 'fsdp';
  const experts = expertMoment(facts);
  const expertsInFirst = (): Moment[] => {
    if (experts === undefined) return [];
    const isAdded = earlier.length > 0 || isLayerwise || (!isZero && kept === undefined);
    const made = transients.experts?.(experts) ?? (isAdded ? experts.largest : experts.elements);
    const before = scaled(kept, blockShare(facts) * experts.madeShare);
    const parts = [
      ...resident,
      ...(earlier.length > 0 ? earlier : isZero ? [] : [...before, ...headGradient.kept]),
      experts.kept,
      experts.activations,
      expertGradients(facts, isZero ? facts.weightBytes : states.gradientBytes, made),
      ...transients.block,
      ...transients.first,
    ];
    return [moment('step', "gradients of the first block's experts", parts)];
  };
  const blocks =
    facts.sharding.kind === 'fsdp' && valueIfKnown(facts.sharding.strategy) !== 'NO_SHARD'
      ? fsdpBackward(facts, facts.sharding, {
          resident: [...resident, ...casts],
          earlier,
          kept,
          head: headGradient.kept,
          activations,
          blocks: count,
        })
      : [
          moment('step', 'backward of the last block', [
            ...graph,
            activations.workingBesideAll,
            ...headGradient.kept,
            ...transients.block,
          ]),
          moment('step', 'backward of the first block', [
            ...resident,
            ...(earlier.length > 0 ? earlier : isZero ? [] : [...partial, ...headGradient.kept]),
            activations.last,
            activations.working,
            ...transients.block,
            ...transients.first,
          ]),
          ...expertsInFirst(),
        ];
  const moments = [
    moment('step', 'loss', [
      ...untilHead,
      logitsPart(facts, head.forward, 'in forward'),
      ...transients.loss,
      ...transients.forward,
    ]),
    moment('step', 'start of backward', [
      ...untilHead,
      logitsPart(facts, head.backward, 'at the start of backward'),
      ...transients.loss,
    ]),
    moment('step', 'gradient of the head', [
      ...untilHead,
      logitsPart(facts, head.weightGradient, 'gradient'),
      ...headGradient.made,
      ...(transients.made ?? transients.loss),
    ]),
    ...blocks,
    moment('step', 'end of backward', [
      ...resident,
      ...(isZero ? [] : isFsdp && earlier.length > 0 ? earlier : scaled(kept, isFsdp ? blockShare(facts) : 1)),
      ...(isFsdp ? scaled(replicaSums(facts, kept), blockShare(facts)) : []),
      ...embeddingGradient(facts),
      ...transients.end,
    ]),
    stepMoment(facts, states, transients),
  ];
  if (transients.head !== undefined && transients.head.length > 0)
    moments.push(moment('step', 'gradient of the head reduced', [...graph, ...transients.head]));
  if (transients.copying !== undefined) {
    // In forward the last block keeps nothing yet; in backward it is gone.
    const { saved, last } = activations;
    const others = scaled(saved, Math.max(0, 1 - last.bytes / Math.max(1, saved.bytes)));
    moments.push(
      moment('step', 'weights copied where they are gathered', [
        ...resident,
        ...earlier,
        ...others,
        ...transients.copying,
      ]),
    );
  }
  // Before autocast ends; what it gives is made fp32 afterwards.
  if (activations.castsInForward) {
    moments.push(
      moment('step', 'end of forward', [
        ...resident,
        ...earlier,
        activations.castsInForward,
        activations.saved,
        ...(activations.headCasts ? [activations.headCasts] : []),
        logitsPart(facts, evalHeadFactor(facts), 'in forward'),
        ...transients.loss,
        ...transients.forward,
      ]),
    );
  }
  // A model smaller than the bucket is reduced at the end.
  if (transients.reduce.length > 0 && left > 0) {
    moments.push(
      moment('step', 'first bucket reduced', [
        ...resident,
        ...earlier,
        ...scaled(activations.saved, left),
        activations.working,
        ...headGradient.kept,
        ...transients.reduce,
      ]),
    );
  }
  return moments;
}

/** The optimizer steps: gradients are there, activations are not. */
export function stepMoment(facts: Facts, states: States, transients: Transients): Moment {
  const parts = [
    ...states.resident,
    ...states.standing,
    ...gradientsAtStep(facts, states),
    ...stepTemporaries(facts),
    ...transients.step,
  ];
  return { ...moment('step', 'optimizer step', parts), flat: transients.flat };
}

/** Before the first step: the weights as they are loaded and sharded. */
export function loadMoment(facts: Facts, states: States): Moment {
  const { sharding, counts, weightBytes } = facts;
  const isZero = sharding.kind === 'zero';
  const isSharded = isZero ? valueIfKnown(sharding.stage) === 3 : sharding.kind === 'fsdp';
  if (!isSharded) return moment('load', 'weights loaded', states.weights);
  // zero.Init shards a parameter as soon as it is made, in torch's default type: 1.96 GiB of 525 M were seen (estimation §3.5).
  const unit = isZero ? counts.largest : Math.max(counts.largest, largestBlock(facts));
  const width = isZero ? 4 : weightBytes;
  const what = isZero ? 'largest parameter before it is sharded' : 'largest module before it is sharded';
  const materialised: Part = {
    id: 'buffers.load',
    group: 'buffers',
    bytes: width * unit,
    label: () => what,
    formula: () => `${width} B × ${formatCount(unit)} parameters`,
    source: isZero ? 'deepspeed.zero.Init; gnosia93/training-on-eks' : 'torch FSDP shards module by module',
    from: facts.from.sharding,
  };
  return moment('load', what, [...states.weights, materialised]);
}

/** While a checkpoint is written. */
export function saveMoment(states: States, transients: Transients): Moment {
  return moment('save', 'weights gathered to be written', [...states.resident, ...states.standing, ...transients.save]);
}

/** A moment with everything alive in it. */
export function moment(phase: Phase, name: string, parts: readonly Part[]): Moment {
  return { phase, name, parts, allocated: sumBytes(parts) };
}

/** A share of a part, with the share in its arithmetic. */
export function scaled(part: Part | undefined, share: number): Part[] {
  if (part === undefined || share <= 0) return [];
  if (share === 1) return [part];
  return [
    { ...part, bytes: part.bytes * share, formula: () => `${part.formula()} × ${Math.round(share * 1000) / 1000}` },
  ];
}

function blockCount(facts: Facts): number {
  let count = 0;
  for (const block of facts.model.blocks) count += block.count;
  return count * facts.counts.stageShare;
}
