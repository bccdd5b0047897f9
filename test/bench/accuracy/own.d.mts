interface Figure {
  readonly kind: string;
  readonly gib: number;
}

/** A record of test/calibration as a point: a setup of `configs.mjs` with what was measured. */
export interface OwnPoint {
  readonly id: string;
  readonly source: string;
  readonly url: string;
  readonly hardware: unknown;
  readonly frameworks: Readonly<Record<string, string>>;
  readonly measured: { readonly memory: readonly Figure[]; readonly seconds?: number };
}

interface Left {
  readonly source: string;
  readonly why: string;
  readonly ids: readonly string[];
}

export const OWN_SOURCE: string;
/** All records of a folder, which is the repository's where none is given. */
export function ownPoints(folder?: string): { readonly points: readonly OwnPoint[]; readonly leftOut: readonly Left[] };
/** Lines of the report; none where nothing of ours was scored. */
export function ownLines(scored: readonly unknown[], leftOut: readonly Left[]): readonly string[];
