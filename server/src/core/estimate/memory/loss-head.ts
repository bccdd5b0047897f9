import { formatCount } from '../../text/format';
import type { Facts } from './facts';
import { fusedHead } from './fused-head';
import { endsInLabels } from './head';
import { megatronHead } from './megatron';
import type { Part } from './part';
import { firstBlock, RECORDED, settingFor } from './recorded';

/** Bytes per token and vocabulary entry at the moments around the loss, counted by test/oracle/record_saved.py. */
export interface HeadFactors {
  /** While the loss is computed. */
  readonly forward: number;
  /** At the start of backward. */
  readonly backward: number;
  /** When the gradient of the head's weight is made. */
  readonly weightGradient: number;
}

/**
 * As recorded for the family: Hugging Face's causal loss upcasts the logits, 2 + 4 + 4 in forward, 4 + 4 + 4 at the start of
 * backward; a soft cap keeps its own. Before 4.45 it copied the shifted logits, which is 12 in forward and no more in backward: the
 * peak is the same, whatever estimation §3.4 fitted. A loss made in pieces never holds the logits of all tokens (fused-head.ts); a classification
 * head has none.
 */
export function headFactors(facts: Facts): HeadFactors {
  if (!hasVocabularyHead(facts)) return NO_LOGITS;
  if (facts.sharding.kind === 'megatron') return megatronHead(facts);
  if (facts.fusedBy !== undefined) return NO_LOGITS;
  const found = settingFor(facts, firstBlock(facts));
  if (found === undefined) return NO_LOGITS;
  const [forward, backward, weight] = found.setting.head;
  return { forward, backward, weightGradient: weight };
}

/** Bytes per token and vocabulary entry of evaluation's logits and loss: what forward holds in training. */
export function evalHeadFactor(facts: Facts): number {
  const { forward } = headFactors({ ...facts, fusedBy: undefined });
  if (!facts.mixed || facts.sharding.kind === 'megatron') return forward;
  // A loss that makes no copy of its own is computed in fp32 from the 16-bit logits.
  const plain = facts.model.recorded?.setting('sdpa bf16')?.head[0] ?? forward;
  return plain < 10 ? Math.min(forward, 8) : forward;
}

/** Classifiers end in a few labels, and what compares images with texts has no logits of words. */
export function hasVocabularyHead(facts: Facts): boolean {
  if (endsInLabels(facts.model)) return false;
  if (facts.sharding.kind === 'megatron') return true;
  return settingFor(facts, firstBlock(facts))?.setting.head.some((factor) => factor > 0) !== false;
}

const NO_LOGITS: HeadFactors = { forward: 0, backward: 0, weightGradient: 0 };

/** Tokens the loss sees × vocabulary on this rank. */
export function logitElements(facts: Facts, tokens = facts.tokens): number {
  return (tokens * facts.model.vocabSize) / (facts.splitsVocabulary ? facts.tensor : 1);
}

const WHEN = { 'in forward': 'forward', 'at the start of backward': 'backward', gradient: 'gradient' } as const;

/** The logits and what is made of them at one moment; `factor` is bytes per token and vocabulary entry. */
export function logitsPart(facts: Facts, factor: number, when: keyof typeof WHEN): Part {
  const { fusedBy } = facts;
  if (fusedBy !== undefined && facts.sharding.kind !== 'megatron' && hasVocabularyHead(facts)) {
    return fusedHead(facts, fusedBy, WHEN[when]);
  }
  const elements = logitElements(facts);
  return {
    id: 'logits',
    group: 'logits',
    bytes: factor * elements,
    label: () => `logits and loss, ${when}`,
    formula: () =>
      `${factor} B × ${formatCount(facts.tokens)} tokens × ${formatCount(logitElements(facts, 1))} vocabulary`,
    source: `transformers ForCausalLMLoss (fp32 upcast); ${RECORDED}`,
    from: [...facts.from.batch, ...facts.from.model],
  };
}
