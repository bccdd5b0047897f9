import { formatCount } from '../../text/format';
import type { Facts } from './facts';
import { familyTraits } from './families';
import { COUNTED, type Part } from './part';

/** Bytes per token and vocabulary entry at the moments around the loss, counted by test/oracle/record_memory.py. */
export interface HeadFactors {
  /** While the loss is computed. */
  readonly forward: number;
  /** At the start of backward. */
  readonly backward: number;
  /** When the gradient of the head's weight is made. */
  readonly weightGradient: number;
}

/**
 * Hugging Face's causal loss upcasts the logits: 2 + 4 + 4 in forward, 4 + 4 + 4 at the start of backward. In fp32 nothing is upcast;
 * masked and sequence-to-sequence heads take the loss in the type of the logits. A fused linear loss (Liger) never holds the logits
 * of all tokens; a classification head has none.
 */
export function headFactors(facts: Facts): HeadFactors {
  const { architecture, modelType } = facts.model;
  if (/For(Sequence|Token|Image|Audio)Classification|ForQuestionAnswering|ForMultipleChoice/.test(architecture))
    return NO_LOGITS;
  if (facts.fusedLoss) return { forward: 0.3, backward: 0.3, weightGradient: 0.3 };
  if (facts.computeBytes === 4) return { forward: 8, backward: 12, weightGradient: 4 };
  if (!facts.castsWeights && (architecture.endsWith('ForMaskedLM') || UPCASTS_NOT.has(modelType))) {
    return { forward: 4, backward: 6, weightGradient: 2 };
  }
  const capped = familyTraits(modelType).traits.softcap ? 2 : 0;
  // Under autocast the product is over before its 16-bit gradient is cast to fp32.
  if (facts.castsWeights) return { forward: 10 + capped, backward: 12 + capped, weightGradient: capped };
  return { forward: 10 + capped, backward: 12 + capped, weightGradient: 2 + capped };
}

const NO_LOGITS: HeadFactors = { forward: 0, backward: 0, weightGradient: 0 };
const UPCASTS_NOT: ReadonlySet<string> = new Set([
  't5',
  'mt5',
  'umt5',
  'bart',
  'mbart',
  'pegasus',
  'm2m_100',
  'marian',
]);

/** Tokens the loss sees × vocabulary on this rank. */
export function logitElements(facts: Facts, tokens = facts.tokens): number {
  return (tokens * facts.model.vocabSize) / facts.tensor;
}

/** The logits and what is made of them at one moment; `factor` is bytes per token and vocabulary entry. */
export function logitsPart(facts: Facts, factor: number, when: string): Part {
  const elements = logitElements(facts);
  return {
    id: 'logits',
    group: 'logits',
    bytes: factor * elements,
    label: () => `logits and loss, ${when}`,
    formula: () =>
      `${factor} B × ${formatCount(facts.tokens)} tokens × ${formatCount(facts.model.vocabSize / facts.tensor)} vocabulary`,
    source: `transformers ForCausalLMLoss (fp32 upcast); ${COUNTED}`,
    from: [...facts.from.batch, ...facts.from.model],
  };
}
