import { valueIfKnown } from '../../run/known';
import { formatParameters } from '../../text/format';
import type { Facts } from './facts';
import { lowRankBytes } from './low-rank';

/** State bytes for all trained parameters of a rank before sharding; `width` is the width of what the optimizer steps. */
export function optimizerStateBytes(facts: Facts, width: number): number {
  const { optimizer, trainable, counts, lora } = facts;
  const each = width === 4 ? optimizer.fp32 : optimizer.half;
  switch (optimizer.rule) {
    case 'factored':
      if (isFlat(facts)) return 4 * trainable;
      // Rows and columns of every matrix in fp32. Adapters are thin: their longer side is most of them.
      return lora === undefined ? 4 * counts.factored : (4 * trainable) / lora.rank;
    case 'embedding-fp32':
      return lora === undefined
        ? each * (trainable - counts.embedding) + (8 / 2.03125) * each * counts.embedding
        : each * trainable;
    case 'low-rank':
      return optimizer.lowRank === undefined ? each * trainable : lowRankBytes(facts, optimizer.lowRank, width);
    case 'matrices':
      return lora === undefined ? muonBytes(facts, each) : each * trainable;
    default:
      return each * trainable;
  }
}

/** DeepSpeed's Muon has one moment of the matrices of the blocks; embedding and head are Adam's (deepspeed/__init__.py, set_optimizer_flags). */
function muonBytes({ counts, trainable }: Facts, each: number): number {
  const matrices = Math.max(0, counts.matrices - counts.outside);
  return 4 * matrices + each * (trainable - matrices);
}

/** State bytes that the optimizer itself keeps on the host, for all trained parameters of a rank. */
export function hostStateBytes({ optimizer, trainable }: Facts, width: number): number {
  return (width === 4 ? (optimizer.onHost?.fp32 ?? 0) : (optimizer.onHost?.half ?? 0)) * trainable;
}

/** The arithmetic of states for that many parameters: `8 B × 8.0 B parameters`; factored moments have no size for each. */
export function stateFormula({ optimizer }: Facts, bytes: number, parameters: number): string {
  if (optimizer.rule === 'factored') return `4 B × ${formatParameters(bytes / 4)} rows and columns of matrices`;
  return `${Math.round((100 * bytes) / Math.max(1, parameters)) / 100} B × ${formatParameters(parameters)} parameters`;
}

/**
 * ZeRO's partitions and FSDP 1's flat parameters have no rows and columns: nothing is factored, and the second moment is whole and in
 * fp32 (transformers optimization.py, Adafactor._get_options). Counted.
 */
export function isFlat({ sharding }: Facts): boolean {
  if (sharding.kind === 'zero') return (valueIfKnown(sharding.stage) ?? 0) >= 1;
  return sharding.kind === 'fsdp' && valueIfKnown(sharding.version) === 1;
}
