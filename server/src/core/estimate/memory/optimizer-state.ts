import { formatParameters } from '../../text/format';
import type { Facts } from './facts';

/** State bytes for all trained parameters of a rank before sharding; `width` is the width of what the optimizer steps. */
export function optimizerStateBytes(facts: Facts, width: number): number {
  const { optimizer, trainable, counts, lora } = facts;
  const each = width === 4 ? optimizer.fp32 : optimizer.half;
  switch (optimizer.rule) {
    case 'factored':
      // Rows and columns of every matrix in fp32. Adapters are thin: their longer side is most of them.
      return lora === undefined ? 4 * counts.factored : (4 * trainable) / lora.rank;
    case 'embedding-fp32':
      return lora === undefined
        ? each * (trainable - counts.embedding) + (8 / 2.03) * each * counts.embedding
        : each * trainable;
    case 'low-rank':
      return lowRankBytes(facts, each);
    case 'matrices':
      return lora === undefined ? 4 * counts.matrices + each * (trainable - counts.matrices) : each * trainable;
    default:
      return each * trainable;
  }
}

/** The arithmetic of states for that many parameters: `8 B × 8.0 B parameters`; factored moments have no size for each. */
export function stateFormula({ optimizer }: Facts, bytes: number, parameters: number): string {
  if (optimizer.rule === 'factored') return `4 B × ${formatParameters(bytes / 4)} rows and columns of matrices`;
  return `${Math.round((100 * bytes) / Math.max(1, parameters)) / 100} B × ${formatParameters(parameters)} parameters`;
}

/** GaLore and APOLLO keep moments of rank 128 for the matrices of the blocks and a projector: arXiv 2403.03507. */
function lowRankBytes(facts: Facts, each: number): number {
  const rank = 128; // Default of optim_args in transformers trainer_optimizer.py.
  const side = Math.max(rank, facts.model.hiddenSize);
  const targets = facts.counts.total - facts.counts.outside;
  const rest = facts.counts.outside;
  return each * targets * (rank / side) + (4 * targets * rank) / side / 2 + Math.max(each, 2.03) * rest;
}
