import { elements } from './counts';
import type { Facts } from './facts';

/** What an optimizer keeps of matrices that it projects, and of everything else. */
export interface LowRank {
  /** Two moments of what is projected, in its type or in 8 bits, or rows and columns of its square. */
  readonly moments: 'adam' | 'adam8' | 'factored';
  /** What projects: singular vectors of a gradient, or a random matrix. */
  readonly projector: 'singular' | 'random';
}

/** Default of optim_args in transformers trainer_optimizer.py (5.23.0), for both. */
const RANK = 128;
/** Two 8-bit moments and an fp32 scale per block of 256. */
const ADAM8_BYTES = 2.03125;

/**
 * GaLore (arXiv 2403.03507) and APOLLO (arXiv 2412.05270) keep moments of the linear weights of the blocks with their shorter side
 * cut to the rank. GaLore's projector is a slice of the gradient's singular vectors: of a 16-bit gradient it is copied, of an fp32
 * one it is a view, and all vectors of the shorter side stay (galore_torch 1.0, galore_projector.py, get_orthogonal_matrix).
 * `width` is the width of the gradients. Counted by test/oracle/record_optimizers.py.
 */
export function lowRankBytes({ model }: Facts, { moments, projector }: LowRank, width: number): number {
  let bytes = 0;
  for (const group of model.groups) {
    const [rows = 0, columns = 0] = group.shape;
    const isTarget = group.block !== undefined && group.module === 'linear' && group.shape.length === 2;
    const long = Math.max(rows, columns);
    const short = Math.min(rows, columns);
    if (!isTarget) {
      bytes += group.count * momentBytes(moments, group.shape.length < 2 ? 0 : rows + columns, elements(group), width);
      continue;
    }
    const isView = projector === 'singular' && (width === 4 || moments === 'factored');
    const kept = isView ? 4 * short * short : width * RANK * short;
    bytes += group.count * (kept + momentBytes(moments, long + RANK, long * RANK, width));
  }
  return bytes;
}

/** Vectors have no sides, and are kept whole. */
function momentBytes(moments: LowRank['moments'], sides: number, size: number, width: number): number {
  if (moments === 'adam8') return ADAM8_BYTES * size;
  return moments === 'adam' ? 2 * width * size : 4 * (sides === 0 ? size : sides);
}
