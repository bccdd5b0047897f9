import { estimateHost } from '../estimate/host';
import { estimateMemory } from '../estimate/memory/index';
import { estimateTime } from '../estimate/time/index';
import type { Move } from '../moves/move';
import type { TrainingRun } from '../run/training-run';

/** A run near the one at hand that surely fits. Bytes per GPU, seconds per optimizer step. */
export interface Candidate {
  readonly moves: readonly Move[];
  /** The high end of the band of its memory, and the share of the GPU's that it is. */
  readonly high: number;
  readonly share: number;
  readonly hostBytes: number | undefined;
  readonly seconds: number | undefined;
}

export interface SearchResult {
  readonly fitting: readonly Candidate[];
  /** Of those that do not surely fit, the one that needs least. */
  readonly nearest: Candidate | undefined;
  readonly tried: number;
  /** Everything was tried, not only what the limit allowed. */
  readonly complete: boolean;
}

/** Runs tried before the search ends; about 200 µs each. */
export const MOST_TRIED = 10_000;
/** Runs between two pauses in which the caller may stop the search. */
const PAUSE = 50;

/**
 * Tries combinations of moves, fewest changes first, and keeps those whose band lies inside the memory of GPU and host.
 * Pauses every now and then with the number tried so far, so that a caller can show progress, let others run, or stop.
 */
export function* search(
  run: TrainingRun,
  options: readonly (readonly Move[])[],
  most: number = MOST_TRIED,
): Generator<number, SearchResult, void> {
  const fitting: Candidate[] = [];
  let nearest: Candidate | undefined;
  let tried = 0;
  for (let count = 1; count <= options.length; count++) {
    for (const moves of combinations(options, count)) {
      if (tried === most) return { fitting, nearest, tried, complete: false };
      tried++;
      const { candidate, fits } = attempt(run, moves);
      if (candidate && fits) fitting.push(candidate);
      else if (candidate && candidate.high < (nearest?.high ?? Number.POSITIVE_INFINITY)) nearest = candidate;
      if (tried % PAUSE === 0) yield tried;
    }
  }
  return { fitting, nearest, tried, complete: true };
}

/** Every way to take one move of each of `count` dimensions, the earlier dimensions first. */
function* combinations(
  options: readonly (readonly Move[])[],
  count: number,
  from = 0,
): Generator<readonly Move[], void, void> {
  if (count === 0) {
    yield [];
    return;
  }
  for (let index = from; index <= options.length - count; index++) {
    for (const move of options[index] ?? []) {
      for (const rest of combinations(options, count - 1, index + 1)) yield [move, ...rest];
    }
  }
}

function attempt(run: TrainingRun, moves: readonly Move[]): { candidate?: Candidate; fits: boolean } {
  const changed = moves.reduce((it, move) => move.apply(it), run);
  const { memory } = estimateMemory(changed);
  if (!memory) return { fits: false };
  const base = { moves, high: memory.high, share: memory.high / (memory.capacity ?? memory.high) };
  if (memory.fits !== true) return { candidate: { ...base, hostBytes: undefined, seconds: undefined }, fits: false };
  const { host } = estimateHost(changed);
  if (host?.fits === false) return { fits: false };
  // What each offload would cost by itself is not asked for here.
  const { step } = estimateTime(changed, { memory: () => ({ memory, assumptions: [] }) });
  return { candidate: { ...base, hostBytes: host?.bytes, seconds: step?.seconds }, fits: true };
}
