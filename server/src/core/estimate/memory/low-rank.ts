import type { ParameterGroup } from '../../models/model';
import { elements } from './counts';
import type { Facts } from './facts';

/** Which side of a matrix is cut to the rank, as `proj_type` names it: the shorter one, the longer, rows, columns, or both. */
export type Projection = 'short' | 'long' | 'left' | 'right' | 'both';

/** What an optimizer keeps of matrices that it projects, and of everything else. */
export interface LowRank {
  /** Two moments of what is projected, in its type or in 8 bits, or rows and columns of its square. */
  readonly moments: 'adam' | 'adam8' | 'factored';
  /** What projects: singular vectors of a gradient, or a random matrix. */
  readonly projector: 'singular' | 'random';
  readonly rank: number;
  readonly projection: Projection;
  /** The linear layers that are projected, as `optim_target_modules` names them; those of the blocks where it is not known. */
  readonly targets?: readonly string[] | string | undefined;
}

/** Defaults of optim_args in transformers trainer_optimizer.py (5.23.0), for both. */
export const LOW_RANK_DEFAULTS = { rank: 128, projection: 'short' } as const;
/** Two 8-bit moments and an fp32 scale per block of 256. */
const ADAM8_BYTES = 2.03125;

/**
 * GaLore (arXiv 2403.03507) and APOLLO (arXiv 2412.05270) keep moments of linear weights with one side cut to the rank. GaLore's projector
 * is a slice of the gradient's singular vectors: of a 16-bit gradient it is copied, of an fp32 one it is a view, and all vectors stay
 * (galore_torch 1.0, galore_projector.py, get_orthogonal_matrix). APOLLO's random one is as large as asked for, whatever the matrix.
 * `width` is the width of the gradients. Counted by test/oracle/record_optimizers.py.
 */
export function lowRankBytes({ model }: Facts, lowRank: LowRank, width: number): number {
  let bytes = 0;
  for (const group of model.groups) {
    const each = isTarget(group, lowRank.targets)
      ? projectedBytes(group, lowRank, width)
      : momentBytes(lowRank.moments, group.shape.length < 2 ? [] : group.shape.slice(0, 2), elements(group), width);
    bytes += group.count * each;
  }
  return bytes;
}

/** Elements of the largest tensor that is projected, and of the largest that is not. */
export function largestOf(
  { model }: Facts,
  { targets }: LowRank,
): { readonly projected: number; readonly whole: number } {
  let projected = 0;
  let whole = 0;
  for (const group of model.groups) {
    if (isTarget(group, targets)) projected = Math.max(projected, elements(group));
    else whole = Math.max(whole, elements(group));
  }
  return { projected, whole };
}

/** Projector and moments of one matrix. */
function projectedBytes({ shape: [rows = 0, columns = 0] }: ParameterGroup, lowRank: LowRank, width: number): number {
  const { moments, projector, projection } = lowRank;
  const isTall = rows >= columns;
  const cutsColumns =
    projection === 'right' || (projection === 'short' && isTall) || (projection === 'long' && !isTall);
  const side = projection === 'both' ? rows + columns : cutsColumns ? columns : rows;
  const short = Math.min(rows, columns);
  const rank = projector === 'random' ? lowRank.rank : Math.min(lowRank.rank, short);
  const isView = projector === 'singular' && (width === 4 || moments === 'factored');
  const kept = isView ? 4 * short * side : width * rank * side;
  const left = projection === 'both' ? [rank, rank] : cutsColumns ? [rows, rank] : [rank, columns];
  return kept + momentBytes(moments, left, (left[0] ?? 0) * (left[1] ?? 0), width);
}

/** Vectors have no sides, and are kept whole. */
function momentBytes(moments: LowRank['moments'], sides: readonly number[], size: number, width: number): number {
  if (moments === 'adam8') return ADAM8_BYTES * size;
  return moments === 'adam' ? 2 * width * size : 4 * (sides.length === 0 ? size : (sides[0] ?? 0) + (sides[1] ?? 0));
}

/**
 * As `check_target_module_exists` finds them (transformers trainer_utils.py:1018, 5.23.0): `all-linear`, a pattern for whole names, or
 * words that stand somewhere in a name. A tied head has no weight of its own.
 */
function isTarget({ name, module, shape, block }: ParameterGroup, targets: LowRank['targets']): boolean {
  if (module !== 'linear' || shape.length !== 2 || !name.endsWith('.weight')) return false;
  if (targets === undefined) return block !== undefined;
  const layer = name.slice(0, -'.weight'.length).replaceAll('*', '0');
  if (typeof targets !== 'string') return targets.some((it) => layer.includes(it) || isMatch(it, layer));
  return targets.replaceAll('_', '-') === 'all-linear' || isMatch(targets, layer);
}

/** Longer patterns are no names of layers, and could be slow on purpose. */
const MAX_PATTERN = 200;

function isMatch(pattern: string, layer: string): boolean {
  if (pattern.length > MAX_PATTERN) return false;
  try {
    return new RegExp(`^(?:${pattern})$`).test(layer);
  } catch {
    return false;
  }
}
