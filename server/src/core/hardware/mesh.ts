/** Links of one GPU inside a group of 2, of 4, and of all 8, on boards of eight in two squares. */
interface Cube {
  readonly pair: number;
  readonly square: number;
  readonly all: number;
}

/**
 * Hybrid cube meshes: P100 has 4 links, one to each of its square and one across; V100 has 6, two of its square doubled.
 * Source: NVIDIA DGX-1 with Tesla V100 system architecture white paper, figures 2 and 4.
 */
const CUBES: Readonly<Record<number, Cube>> = {
  1: { pair: 1, square: 3, all: 4 },
  2: { pair: 2, square: 4, all: 6 },
};

/**
 * Share of a GPU's links that stay inside a group of `size` of the `gpus` on a board without switch: the cube meshes of
 * NVLink 1 and 2, else one equal bundle of links for each peer.
 */
export function linkShare(size: number, gpus: number, generation: number | undefined): number {
  if (size < 2 || gpus < 2) return 1;
  const cube = CUBES[generation ?? 0];
  if (cube === undefined) return Math.min(1, (size - 1) / (gpus - 1));
  return (size <= 2 ? cube.pair : size <= 4 ? cube.square : cube.all) / cube.all;
}
