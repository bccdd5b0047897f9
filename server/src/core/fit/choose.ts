import { EFFECTS } from '../moves/move';
import type { Candidate } from './search';

/**
 * What a remedy is best at: `fastest` keeps the training as it is, `fastest-data` and `fastest-numerics` do not; `balanced`
 * lies on the front between smallest and fastest.
 */
export type Merit = 'smallest' | 'fastest' | 'fastest-data' | 'fastest-numerics' | 'balanced';

/** Steps whose predicted times differ by less than this share count as equally fast; the model is not finer. */
export const SAME_TIME = 0.03;

/** The order in which the smallest change is looked for: fewest moves, then the same training, then time, then memory. */
export function bySize(a: Candidate, b: Candidate): number {
  return (
    a.moves.length - b.moves.length ||
    effectOf(a) - effectOf(b) ||
    secondsOf(a) - secondsOf(b) ||
    notesOf(a) - notesOf(b) ||
    a.high - b.high
  );
}

/** The order in which the fastest is looked for. */
export function bySpeed(a: Candidate, b: Candidate): number {
  return secondsOf(a) - secondsOf(b) || bySize(a, b);
}

/**
 * The candidates that no other beats in everything at once: number of moves, effect on the training, seconds, memory. All of
 * them fit, so memory is headroom only, and counts by quarters of the GPU.
 */
export function paretoFront(candidates: readonly Candidate[]): Candidate[] {
  const front: Candidate[] = [];
  for (const candidate of [...candidates].sort(bySize)) {
    if (!front.some((other) => isNoWorse(other, candidate))) front.push(candidate);
  }
  return front;
}

function isNoWorse(a: Candidate, b: Candidate): boolean {
  return (
    a.moves.length <= b.moves.length &&
    effectOf(a) <= effectOf(b) &&
    secondsOf(a) <= secondsOf(b) * (1 + SAME_TIME) &&
    quarters(a) <= quarters(b)
  );
}

function quarters({ share }: Candidate): number {
  return Math.ceil(4 * share);
}

/** How much of the training a candidate changes, as an index of {@link EFFECTS}: 0 is nothing. */
export function effectOf({ moves }: Candidate): number {
  return Math.max(...moves.map(({ training }) => EFFECTS.indexOf(training)));
}

function notesOf({ moves }: Candidate): number {
  return moves.filter(({ note }) => note !== undefined).length;
}

function secondsOf({ seconds }: Candidate): number {
  return seconds ?? Number.POSITIVE_INFINITY;
}
