import { valueIfKnown } from '../../run/known';
import { formatCount } from '../../text/format';
import type { Facts } from './facts';
import { hasVocabularyHead } from './loss-head';
import { megatronEmbedding } from './megatron';
import { COUNTED, type Part } from './part';
import type { States } from './states';
import { dtypeName } from './weights';

/** The head's gradient, alive as soon as backward has begun: while it is made, and after. ZeRO counts what it keeps of it in its buffers. */
export function weightGradient(facts: Facts, states: States): { readonly made: Part[]; readonly kept: Part[] } {
  const { model, lora, sharding, tensor } = facts;
  if (lora !== undefined || !hasVocabularyHead(facts)) return { made: [], kept: [] };
  const elements = (model.vocabSize * model.hiddenSize) / tensor;
  const part = (width: number): Part => ({
    id: 'gradients.head',
    group: 'gradients',
    bytes: width * elements,
    label: () => 'gradient of the head',
    formula: () => `${width} B × ${formatCount(elements)} elements`,
    source: COUNTED,
    from: facts.from.model,
  });
  // ZeRO takes it into its bucket at once, unless a tied embedding adds to it later.
  if (sharding.kind === 'zero')
    return { made: [part(facts.computeBytes)], kept: model.tiedEmbeddings ? [part(facts.computeBytes)] : [] };
  // Of Megatron's, what is made is added to its buffer at once, unless a tied embedding adds to it later.
  if (sharding.kind === 'megatron')
    return { made: [part(facts.computeBytes)], kept: model.tiedEmbeddings ? [part(facts.computeBytes)] : [] };
  if (sharding.kind === 'fsdp') return { made: [part(facts.computeBytes)], kept: [part(facts.computeBytes)] };
  // Under autocast the product is 16-bit and then cast.
  return { made: [part(states.gradientBytes + (facts.castsWeights ? 2 : 0))], kept: [part(states.gradientBytes)] };
}

/**
 * A tied embedding gets a second gradient, and autograd adds it to the head's in a third tensor: counted. The third is the one
 * that stays, unless gradients of earlier micro-steps are there to be added to, or DDP's bucket to be copied to.
 */
export function embeddingGradient(facts: Facts): Part[] {
  const { model, lora, sharding, accumulation } = facts;
  if (sharding.kind === 'megatron') return [megatronEmbedding(facts)];
  if (lora !== undefined || sharding.kind === 'zero' || sharding.kind === 'fsdp' || !model.tiedEmbeddings) return [];
  const elements = model.vocabSize * model.hiddenSize;
  const accumulates = accumulation >= 2;
  const isView = sharding.kind === 'ddp' && sharding.bucketView;
  const copies = 2 + (accumulates ? 1 : 0) + (isView ? 1 : 0);
  return [
    {
      id: 'gradients.embedding',
      group: 'gradients',
      bytes: copies * facts.streamBytes * elements,
      label: () => `gradient of the tied embedding and the sum, ${dtypeName(facts.streamBytes)}`,
      formula: () => `${copies} × ${facts.streamBytes} B × ${formatCount(elements)} elements`,
      source: COUNTED,
      from: facts.from.model,
    },
  ];
}

/** The gradients alive while the optimizer steps. */
export function gradientsAtStep(facts: Facts, states: States): Part[] {
  if (states.gradients === undefined || facts.optimizer.layerwise === true) return [];
  if (facts.sharding.kind !== 'zero') return [states.gradients];
  // The step's buffers count those of stages 1 and 2, and 16-bit ones of stage 0.
  const isWhole = (valueIfKnown(facts.sharding.stage) ?? 0) === 0;
  return isWhole && facts.weightBytes === 4 ? [states.gradients] : [];
}

/** Share of the gradients that belong to the blocks. */
export function blockShare(facts: Facts): number {
  if (facts.lora !== undefined) return 1;
  return facts.counts.total === 0 ? 0 : 1 - facts.counts.outside / facts.counts.total;
}
