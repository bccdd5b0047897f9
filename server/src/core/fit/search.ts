import { estimateHost } from '../estimate/host';
import { estimateMemory } from '../estimate/memory/index';
import { estimateStep } from '../estimate/time/index';
import { applyAll } from '../moves/compose';
import type { Move } from '../moves/move';
import type { TrainingRun } from '../run/training-run';

/** A run near the one at hand that surely fits. Bytes per GPU, seconds per optimizer step. */
export interface Candidate {
  readonly moves: readonly Move[];
  /** The high end of the band of its memory, and the share of the GPU's that it is. */
  readonly high: number;
  readonly share: number;
  /** The allocator has to give cached blocks back to stay inside the GPU, and stops the device each time. */
  readonly isFull: boolean;
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

/** Runs tried before the search ends; about 150 µs each. */
export const MOST_TRIED = 10_000;
/** Runs between two pauses in which the caller may stop the search. */
const PAUSE = 50;
/** Combinations that are built upon where not all of the next size can be tried. */
const BEAM = 60;

/** What tensors and the CUDA context may take of the GPU; the rest is for what the allocator caches between them. */
const FULL = 0.93;

/** The indices of its moves among the options, and what is known of it. */
interface Node {
  readonly picks: readonly Pick[];
  readonly candidate: Candidate;
  readonly fits: boolean;
}

interface Pick {
  readonly dimension: number;
  readonly move: Move;
}

/** A combination that its moves allow, and the run that it makes. */
interface Neighbour {
  readonly picks: readonly Pick[];
  readonly run: TrainingRun;
}

/**
 * Tries combinations of moves, fewest changes first, and keeps those whose band lies inside the memory of GPU and host. Where
 * a number of changes has too many combinations, only those are tried that add one to the best of the last number.
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
  let complete = true;
  let last: readonly Node[] = [];
  for (let count = 1; count <= options.length; count++) {
    const every = yield* allOf(combinations(run, options, count), most - tried, tried);
    complete &&= every !== undefined;
    const level: Node[] = [];
    for (const neighbour of every ?? extensions(run, options, best(last))) {
      if (tried === most) return { fitting, nearest, tried, complete: false };
      tried++;
      if (tried % PAUSE === 0) yield tried;
      const node = attempt(neighbour);
      if (!node) continue;
      level.push(node);
      if (node.fits) fitting.push(node.candidate);
      else if (node.candidate.high < (nearest?.high ?? Number.POSITIVE_INFINITY)) nearest = node.candidate;
    }
    if (level.length === 0) break;
    last = level;
  }
  return { fitting, nearest, tried, complete };
}

/** Combinations that are made between two pauses; making one takes some microseconds. */
const MADE = 1000;

/** All of them, or undefined where there are more than `most`. Pauses with the number tried so far. */
function* allOf(
  found: Iterable<Neighbour>,
  most: number,
  tried: number,
): Generator<number, readonly Neighbour[] | undefined, void> {
  const all: Neighbour[] = [];
  for (const neighbour of found) {
    if (all.length === most) return undefined;
    all.push(neighbour);
    if (all.length % MADE === 0) yield tried;
  }
  return all;
}

/**
 * Every way to take one move of each of `count` dimensions that the moves allow, the earlier dimensions first. What a move does not allow
 * on the run that those before it made is left out with all that would follow.
 */
function* combinations(
  run: TrainingRun,
  options: readonly (readonly Move[])[],
  count: number,
  from = 0,
): Generator<Neighbour, void, void> {
  if (count === 0) {
    yield { picks: [], run };
    return;
  }
  for (let dimension = from; dimension <= options.length - count; dimension++) {
    for (const move of options[dimension] ?? []) {
      if (move.allows && !move.allows(run)) continue;
      for (const rest of combinations(move.apply(run), options, count - 1, dimension + 1)) {
        yield { picks: [{ dimension, move }, ...rest.picks], run: rest.run };
      }
    }
  }
}

/** The fastest of those that fit, and the leanest of those that do not: one more change may help either. */
function best(level: readonly Node[]): readonly Node[] {
  const fast = level.filter(({ fits }) => fits);
  const lean = level.filter(({ fits }) => !fits);
  fast.sort((a, b) => (a.candidate.seconds ?? Infinity) - (b.candidate.seconds ?? Infinity));
  lean.sort((a, b) => a.candidate.high - b.candidate.high);
  return [...fast.slice(0, BEAM), ...lean.slice(0, BEAM)];
}

/** Each of these with one move of another dimension added; each combination once. */
function* extensions(
  run: TrainingRun,
  options: readonly (readonly Move[])[],
  nodes: readonly Node[],
): Generator<Neighbour, void, void> {
  const seen = new Set<string>();
  for (const { picks } of nodes) {
    for (const [dimension, moves] of options.entries()) {
      if (picks.some((pick) => pick.dimension === dimension)) continue;
      for (const move of moves) {
        const extended = [...picks, { dimension, move }].sort((a, b) => a.dimension - b.dimension);
        const key = extended
          .map((pick) => `${pick.dimension}.${options[pick.dimension]?.indexOf(pick.move)}`)
          .join(' ');
        if (seen.has(key)) continue;
        seen.add(key);
        const changed = applyAll(
          run,
          extended.map((pick) => pick.move),
        );
        if (changed) yield { picks: extended, run: changed };
      }
    }
  }
}

function attempt({ run: changed, picks }: Neighbour): Node | undefined {
  const moves = picks.map(({ move }) => move);
  const { memory } = estimateMemory(changed);
  if (!memory) return undefined;
  const capacity = memory.capacity ?? Number.POSITIVE_INFINITY;
  const isFull = memory.allocated + memory.breakdown.context > FULL * capacity;
  const base = { moves, high: memory.high, share: memory.high / capacity, isFull };
  if (memory.fits !== true) {
    return { picks, candidate: { ...base, hostBytes: undefined, seconds: undefined }, fits: false };
  }
  const { host } = estimateHost(changed);
  if (host?.fits === false) return undefined;
  const seconds = estimateStep(changed)?.seconds;
  return { picks, candidate: { ...base, hostBytes: host?.bytes, seconds }, fits: true };
}
