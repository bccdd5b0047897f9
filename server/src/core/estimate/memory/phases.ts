import { formatCount } from '../../text/format';
import type { Phase } from '../estimate';
import { type BlockBytes, blockBytes } from './blocks';
import { largestBlock, type Transients } from './buffers';
import type { Facts } from './facts';
import { familyTraits } from './families';
import { headFactors, logitElements, logitsPart } from './loss-head';
import { type Part, sumBytes } from './part';
import { dtypeName, type States } from './states';

/** A moment of the run and everything alive on the GPU then. */
export interface Moment {
  readonly phase: Phase;
  /** As shown: `start of backward`. */
  readonly name: string;
  readonly parts: readonly Part[];
  readonly allocated: number;
}

interface Activations {
  /** Kept by autograd over all blocks at the end of forward. */
  readonly saved: Part;
  /** The block whose backward needs most: recomputed under checkpointing. */
  readonly working: Part;
  /** What one block and the stream still hold when only the first is left. */
  readonly last: Part;
  readonly casts: Part | undefined;
}

/** Every moment that can peak; the estimate takes the largest, never the sum. Estimation §3.2. */
export function trainingMoments(facts: Facts, states: States, transients: Transients): Moment[] {
  const activations = countActivations(facts);
  const head = headFactors(facts);
  const resident = [...states.resident, ...states.standing];
  const kept = states.gradients;
  // From the second micro-step on, gradients are alive through forward.
  const isKept = facts.accumulation >= 2 && facts.optimizer.layerwise !== true;
  const accumulated = states.accumulated ?? kept;
  const earlier = isKept && accumulated !== undefined ? [accumulated] : [];
  const casts = activations.casts === undefined ? [] : [activations.casts];
  const graph = [...resident, ...earlier, ...casts, activations.saved];
  const headGradient = weightGradient(facts, states);
  const count = blockCount(facts);
  const left = 1 - transients.reducedAfter;
  // The block in backward has no gradients of its own yet; FSDP's reduction lags one block behind.
  const done = Math.max(0, count - (facts.sharding.kind === 'fsdp' ? 2 : 1)) / Math.max(1, count);
  const partial = scaled(kept, blockShare(facts) * done);
  const isZero = facts.sharding.kind === 'zero';
  const moments = [
    moment('step', 'loss', [...graph, logitsPart(facts, head.forward, 'in forward'), ...transients.loss]),
    moment('step', 'start of backward', [
      ...graph,
      logitsPart(facts, head.backward, 'at the start of backward'),
      ...transients.loss,
    ]),
    moment('step', 'gradient of the head', [
      ...graph,
      logitsPart(facts, head.weightGradient, 'gradient'),
      ...headGradient.made,
      ...transients.loss,
    ]),
    moment('step', 'backward of the last block', [
      ...graph,
      activations.working,
      ...headGradient.kept,
      ...transients.block,
    ]),
    moment('step', 'backward of the first block', [
      ...resident,
      ...(earlier.length > 0 ? earlier : isZero ? [] : [...partial, ...headGradient.kept]),
      activations.last,
      activations.working,
      ...transients.block,
    ]),
    moment('step', 'end of backward', [
      ...resident,
      ...(isZero ? [] : scaled(kept, facts.sharding.kind === 'fsdp' ? blockShare(facts) : 1)),
      ...embeddingGradient(facts),
      ...transients.end,
    ]),
    moment('step', 'optimizer step', [
      ...resident,
      ...gradientsAtStep(facts, states),
      ...stepTemporaries(facts),
      ...transients.step,
    ]),
  ];
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

/** Before the first step: the weights as they are loaded and sharded. */
export function loadMoment(facts: Facts, states: States): Moment {
  const { sharding, counts, weightBytes } = facts;
  if (sharding.kind === 'single' || sharding.kind === 'ddp') return moment('load', 'weights loaded', states.weights);
  const unit = Math.max(counts.largest, largestBlock(facts));
  const materialised: Part = {
    id: 'buffers.load',
    group: 'buffers',
    bytes: weightBytes * unit,
    label: () => 'largest module before it is sharded',
    formula: () => `${weightBytes} B × ${formatCount(unit)} parameters`,
    source: 'deepspeed.zero.Init and torch FSDP shard module by module; estimation §3.7',
    from: facts.from.sharding,
  };
  return moment('load', 'largest module before it is sharded', [...states.weights, materialised]);
}

/** Evaluation between steps: no graph, two layers of activations and the logits of a batch. Estimation §3.8. */
export function evalMoment(facts: Facts, states: States, transients: Transients): Moment {
  const { model, evalTokens, computeBytes } = facts;
  const h = model.hiddenSize;
  let widest = 3 * h;
  for (const block of model.blocks) widest = Math.max(widest, 2 * (block.mlp?.intermediateSize ?? 0));
  const perToken = computeBytes * (3 * h + 2 * (widest / facts.tensor));
  const layer: Part = {
    id: 'activations.eval',
    group: 'activations',
    bytes: perToken * evalTokens,
    label: () => 'one layer in forward',
    formula: () => `${formatCount(perToken)} B × ${formatCount(evalTokens)} tokens`,
    source: 'estimation §3.8',
    from: facts.from.batch,
  };
  const factor = facts.fusedLoss ? 0.3 : computeBytes + 4 + 4;
  const logits: Part = {
    id: 'logits',
    group: 'logits',
    bytes: factor * logitElements(facts, evalTokens),
    label: () => 'logits of one evaluation batch',
    formula: () =>
      `${factor} B × ${formatCount(evalTokens)} tokens × ${formatCount(model.vocabSize / facts.tensor)} vocabulary`,
    source: 'estimation §3.8',
    from: facts.from.batch,
  };
  return moment('eval', 'logits of a batch', [
    ...states.resident,
    ...states.standing,
    layer,
    logits,
    ...transients.loss,
  ]);
}

export function saveMoment(states: States, transients: Transients): Moment {
  return moment('save', 'weights gathered to be written', [...states.resident, ...states.standing, ...transients.save]);
}

function moment(phase: Phase, name: string, parts: readonly Part[]): Moment {
  return { phase, name, parts, allocated: sumBytes(parts) };
}

/** Sums blocks over all kinds; pipeline stages hold their share of the blocks for several micro-batches in flight. */
function countActivations(facts: Facts): Activations {
  const { model, tokens, checkpointing, pipeline, accumulation } = facts;
  const inFlight = pipeline > 1 ? Math.min(accumulation, pipeline) : 1;
  let saved = 0;
  let casts = 0;
  let largest: BlockBytes = { saved: 0, checkpoint: 0, backward: 0, casts: 0 };
  for (let i = 0; i < model.blocks.length; i++) {
    const block = model.blocks[i];
    if (block === undefined || block.tower === 'vision' || block.tower === 'audio') continue;
    const bytes = blockBytes(facts, i);
    const count = block.count / pipeline;
    saved += count * (checkpointing === 'full' ? bytes.checkpoint : bytes.saved);
    casts += checkpointing === 'full' ? 0 : count * bytes.casts;
    if (bytes.saved > largest.saved) largest = bytes;
  }
  const h = model.hiddenSize;
  const ends = tokens * endsPerToken(facts);
  const total = saved * inFlight + ends;
  const isFull = checkpointing === 'full';
  const headCast = facts.castsWeights ? 2 * model.vocabSize * h : 0;
  const working = largest.backward + (isFull ? largest.saved + (facts.castsWeights ? largest.casts : 0) : 0);
  return {
    saved: {
      id: 'activations.saved',
      group: 'activations',
      bytes: total,
      label: () => (isFull ? 'block inputs kept for recomputation' : 'activations saved for backward'),
      formula: () => `${formatCount(total / Math.max(1, tokens))} B × ${formatCount(tokens)} tokens`,
      source: 'counted operator by operator, estimation §3.3',
      from: [...facts.from.batch, ...facts.from.checkpointing],
    },
    working: {
      id: 'activations.block',
      group: 'activations',
      bytes: working,
      label: () => (isFull ? 'one block recomputed, and its backward' : 'backward of one block'),
      formula: () => `${formatCount(working / Math.max(1, tokens))} B × ${formatCount(tokens)} tokens`,
      source: 'estimation §3.2',
      from: [...facts.from.batch, ...facts.from.checkpointing],
    },
    last: {
      id: 'activations.saved',
      group: 'activations',
      bytes: isFull ? largest.checkpoint : largest.saved + largest.casts,
      label: () => 'activations of the first block',
      formula: () =>
        `${formatCount((isFull ? largest.checkpoint : largest.saved) / Math.max(1, tokens))} B × ${formatCount(tokens)} tokens`,
      source: 'counted operator by operator, estimation §3.3',
      from: facts.from.batch,
    },
    casts:
      casts + headCast === 0
        ? undefined
        : {
            id: 'activations.casts',
            group: 'activations',
            bytes: casts + headCast,
            label: () => '16-bit copies of the fp32 weights (autocast)',
            formula: () => `2 B × ${formatCount((casts + headCast) / 2)} weights`,
            source: 'torch autocast weight cache; estimation §3.1',
            from: facts.from.precision,
          },
  };
}

/** The last norm with its input and output, and the ids, positions and rotary tables of the batch. */
function endsPerToken(facts: Facts): number {
  const h = facts.model.hiddenSize;
  const stream = facts.streamBytes;
  const { traits } = familyTraits(facts.model.modelType);
  const tables = 32;
  if (traits.norm === 'layer') return 2 * stream * h + (traits.dropout > 0 ? h : 0) + tables;
  // Under LoRA the first norm has nothing to differentiate, unless checkpointing makes its input ask for a gradient.
  if (facts.lora !== undefined) return (facts.checkpointing === 'full' ? 4 * h : 0) + tables;
  return (4 + (traits.norm === 'gemma' ? 4 : stream) + stream) * h + tables;
}

/** The head's gradient, alive as soon as backward has begun: while it is made, and after. ZeRO counts what it keeps of it in its buffers. */
function weightGradient(facts: Facts, states: States): { readonly made: Part[]; readonly kept: Part[] } {
  const { model, lora, sharding, tensor } = facts;
  if (lora !== undefined) return { made: [], kept: [] };
  const elements = (model.vocabSize * model.hiddenSize) / tensor;
  const part = (width: number): Part => ({
    id: 'gradients.head',
    group: 'gradients',
    bytes: width * elements,
    label: () => 'gradient of the head',
    formula: () => `${width} B × ${formatCount(elements)} elements`,
    source: 'estimation §3.4',
    from: facts.from.model,
  });
  // ZeRO takes it into its bucket at once, unless a tied embedding adds to it later.
  if (sharding.kind === 'zero')
    return { made: [part(facts.computeBytes)], kept: model.tiedEmbeddings ? [part(facts.computeBytes)] : [] };
  if (sharding.kind === 'fsdp') return { made: [part(facts.computeBytes)], kept: [part(facts.computeBytes)] };
  // Under autocast the product is 16-bit and then cast.
  return { made: [part(states.gradientBytes + (facts.castsWeights ? 2 : 0))], kept: [part(states.gradientBytes)] };
}

/** A tied embedding gets a second gradient, and autograd adds it to the head's in a third tensor: counted. */
function embeddingGradient(facts: Facts): Part[] {
  const { model, lora, sharding } = facts;
  if (lora !== undefined || sharding.kind === 'zero' || sharding.kind === 'fsdp' || !model.tiedEmbeddings) return [];
  const elements = model.vocabSize * model.hiddenSize;
  return [
    {
      id: 'gradients.embedding',
      group: 'gradients',
      bytes: 2 * facts.streamBytes * elements,
      label: () => `gradient of the tied embedding and the sum, ${dtypeName(facts.streamBytes)}`,
      formula: () => `2 × ${facts.streamBytes} B × ${formatCount(elements)} elements`,
      source: 'estimation §3.2',
      from: facts.from.model,
    },
  ];
}

function gradientsAtStep(facts: Facts, states: States): Part[] {
  if (states.gradients === undefined || facts.optimizer.layerwise === true) return [];
  // Stages 1 and 2 turn the 16-bit gradients into the fp32 ones that the step's buffers count.
  return facts.sharding.kind === 'zero' && facts.weightBytes === 2 ? [] : [states.gradients];
}

/** foreach keeps one list of temporaries as large as what it steps: exactly 1.0 × its bytes, counted. */
function stepTemporaries(facts: Facts): Part[] {
  if (facts.sharding.kind === 'zero' || facts.step === 'fused' || facts.step === 'cpu') return [];
  // Without state there is nothing to compute aside: the gradients are applied in place.
  if (facts.step === 'foreach' && facts.optimizer.fp32 === 0) return [];
  const width = facts.lora === undefined ? facts.weightBytes : 4;
  const elements = facts.trainable / facts.shards;
  const largest = Math.min(elements, facts.lora?.largest ?? facts.counts.largest);
  const perElement = facts.optimizer.perElement ?? width;
  const bytes = facts.step === 'foreach' ? width * elements : perElement * largest;
  return [
    {
      id: 'buffers.step',
      group: 'buffers',
      bytes,
      label: () => (facts.step === 'foreach' ? 'temporaries of the foreach step' : 'temporaries of the step'),
      formula: () =>
        facts.step === 'foreach'
          ? `${width} B × ${formatCount(elements)} elements`
          : `${perElement} B × ${formatCount(largest)} elements, the largest tensor`,
      source: 'torch.optim, foreach; counted, estimation §3.2',
      from: facts.from.optimizer,
    },
  ];
}

/** Share of the gradients that belong to the blocks. */
function blockShare(facts: Facts): number {
  if (facts.lora !== undefined) return 1;
  return facts.counts.total === 0 ? 0 : 1 - facts.counts.outside / facts.counts.total;
}

/** A share of a part, with the share in its arithmetic. */
function scaled(part: Part | undefined, share: number): Part[] {
  if (part === undefined || share <= 0) return [];
  if (share === 1) return [part];
  return [
    { ...part, bytes: part.bytes * share, formula: () => `${part.formula()} × ${Math.round(share * 1000) / 1000}` },
  ];
}

function blockCount(facts: Facts): number {
  let count = 0;
  for (const block of facts.model.blocks) count += block.count;
  return count / facts.pipeline;
}
