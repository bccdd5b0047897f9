import type { ParameterGroup } from '../../models/model';
import type { TimeFacts } from './facts';

/**
 * Blocks of the result that one multiprocessor computes at a time, with the share of their own best rate: a larger block reads each
 * input less often (NVIDIA, “Matrix Multiplication Background User's Guide”, §4; the shares of the smaller ones are priors).
 */
const TILES: readonly { readonly height: number; readonly width: number; readonly rate: number }[] = [
  { height: 256, width: 128, rate: 1 },
  { height: 128, width: 256, rate: 1 },
  { height: 128, width: 128, rate: 0.93 },
  { height: 128, width: 64, rate: 0.8 },
  { height: 64, width: 128, rate: 0.8 },
  { height: 64, width: 64, rate: 0.6 },
];

/** Multiprocessors of the largest chip of an architecture (vendors' data sheets): A100, H100 SXM, L40S, B200, MI300X. */
const MULTIPROCESSORS: Readonly<Record<string, number>> = {
  Volta: 80,
  Turing: 72,
  Ampere: 108,
  'Ada Lovelace': 142,
  Hopper: 132,
  'Grace Hopper': 132,
  Blackwell: 148,
  'Grace Blackwell': 148,
  CDNA3: 304,
};

/** Share of the rate of very large products that the run's own sizes reach. */
export interface ProductShares {
  readonly forward: number;
  /** Gradients of inputs and of weights together. */
  readonly backward: number;
  readonly head: number;
}

/**
 * How well the products of the blocks divide into tiles and waves. A result is cut into tiles, and as many tiles as there are
 * multiprocessors run at once: the last wave is rarely full, and tiles hang over the edge.
 */
export function productShares({ model, tokens, tensor, cluster, parameters }: TimeFacts): ProductShares {
  const units = MULTIPROCESSORS[cluster.accelerator.architecture];
  if (units === undefined) return { forward: 1, backward: 1, head: 1 };
  let work = 0;
  let forward = 0;
  let backward = 0;
  for (const group of model.groups) {
    const shape = productOf(group, model.hiddenSize, tensor);
    if (shape === undefined) continue;
    const { out, into } = shape;
    const weight = out * into * group.count;
    work += weight;
    forward += weight / tiled(tokens, out, units);
    backward += weight / (2 * tiled(tokens, into, units)) + weight / (2 * tiled(out, into, units));
  }
  return {
    forward: work > 0 ? work / forward : 1,
    backward: work > 0 ? work / backward : 1,
    head: tiled(tokens, parameters.words / tensor, units),
  };
}

/** Rows and columns of one rank's part of a dense matrix of the blocks; experts are left to their own few tokens. */
function productOf(
  { kind, module, shape }: ParameterGroup,
  hidden: number,
  tensor: number,
): { readonly out: number; readonly into: number } | undefined {
  const out = shape[0];
  const into = shape[1];
  if ((kind !== 'attention' && kind !== 'mlp') || module !== 'linear' || out === undefined || into === undefined)
    return undefined;
  // What reads the residual stream is split by its outputs, what writes to it by its inputs (Shoeybi et al. 2019 §3).
  return into === hidden ? { out: out / tensor, into } : { out, into: into / tensor };
}

/** Share of its rate that a product with `rows` × `columns` results reaches on `units` multiprocessors, with the best tile. */
export function tiled(rows: number, columns: number, units: number): number {
  // Models without logits of words have no head to compute.
  if (rows <= 0 || columns <= 0) return 1;
  let best = 0;
  for (const { height, width, rate } of TILES) {
    // The first two reach all there is where they divide evenly; no smaller one can do better than what was found.
    if (rate <= best) break;
    const tiles = Math.ceil(rows / height) * Math.ceil(columns / width);
    const slots = Math.ceil(tiles / units) * units * height * width;
    best = Math.max(best, (rate * rows * columns) / slots);
  }
  return best;
}
