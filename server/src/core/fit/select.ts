import { bySize, bySpeed, effectOf, type Merit, paretoFront, SAME_TIME } from './choose';
import { type Checker, type Remedy, WORTHWHILE } from './confirm';
import type { Candidate } from './search';

/** Remedies shown at most; more is no choice any more. */
const MOST_REMEDIES = 5;
/** Candidates of each order that are written and analysed before it is given up. */
const MOST_CHECKED = 24;
/**
 * To make a run fit: a smaller change that makes the step this many times longer than it has to be is no remedy, and what only
 * leaves more memory free may cost this much of the fastest step. To make it faster, everything here does.
 */
const SENSIBLE = { fit: 3, faster: Number.POSITIVE_INFINITY } as const;
const MOST_SLOWER = { fit: 1.25, faster: Number.POSITIVE_INFINITY } as const;

interface Confirmed {
  readonly candidate: Candidate;
  readonly remedy: Remedy;
}

/**
 * Smallest change first, then the fastest, then the front between them; what was not confirmed is left out. Pauses with
 * `tried` after each that was analysed.
 */
export function* choose(
  candidates: readonly Candidate[],
  tried: number,
  checker: Checker,
): Generator<number, Remedy[], void> {
  const named = yield* fastest(candidates, tried, checker);
  const best = named[0]?.[1].candidate.seconds ?? Number.POSITIVE_INFINITY;
  const sensible = candidates.filter(({ seconds }) => (seconds ?? 0) <= SENSIBLE[checker.goal] * best);
  const smallest = yield* firstConfirmed([...sensible].sort(bySize), tried, checker);
  if (smallest) named.unshift(['smallest', smallest]);
  const found = new Map<Candidate, Remedy>();
  for (const [merit, { candidate, remedy }] of named) {
    found.set(candidate, { ...remedy, merits: [...(found.get(candidate)?.merits ?? []), merit] });
  }
  // Another training is worth a gain in time, not some more headroom.
  const least = Math.min(...candidates.map(effectOf));
  const most = Math.max(0, ...named.map(([, { candidate }]) => candidate.moves.length));
  const between = paretoFront(candidates).filter(
    (it) =>
      !found.has(it) &&
      !checker.isSuspect(it) &&
      it.moves.length <= most &&
      effectOf(it) === least &&
      (it.seconds ?? 0) <= MOST_SLOWER[checker.goal] * best,
  );
  for (const candidate of between.slice(0, MOST_CHECKED)) {
    if (found.size >= MOST_REMEDIES) break;
    const remedy = checker.confirm(candidate);
    yield tried;
    if (remedy) found.set(candidate, { ...remedy, merits: ['balanced'] });
  }
  return [...found.values()];
}

/** What the fastest of each effect on the training is called, from none to the most. */
const FASTEST: readonly Merit[] = ['fastest', 'fastest-data', 'fastest-numerics'];

/** The fastest that keeps the training, then what is clearly faster still by changing it. */
function* fastest(
  candidates: readonly Candidate[],
  tried: number,
  checker: Checker,
): Generator<number, [Merit, Confirmed][], void> {
  const named: [Merit, Confirmed][] = [];
  for (const [effect, merit] of FASTEST.entries()) {
    const open = candidates.filter((it) => effectOf(it) <= effect);
    const first = yield* firstConfirmed([...open].sort(bySpeed), tried, checker);
    const last = named.at(-1)?.[1];
    // Where the step is not known, nothing is the fastest.
    if (first?.candidate.seconds === undefined || (last && !isWorthIt(first, last))) continue;
    // Of those that are as fast as the model can tell, the one with the fewest changes.
    const limit = first.candidate.seconds * (1 + SAME_TIME);
    const alike = open.filter(({ seconds }) => (seconds ?? 0) <= limit);
    const simplest = yield* firstConfirmed(alike.sort(bySize), tried, checker);
    named.push([merit, simplest ?? first]);
  }
  return named;
}

/** The first that is confirmed; those that most likely bring a finding wait until the others have had their turn. */
function* firstConfirmed(
  sorted: readonly Candidate[],
  tried: number,
  checker: Checker,
): Generator<number, Confirmed | undefined, void> {
  for (const suspect of [false, true]) {
    let checked = 0;
    for (const candidate of sorted) {
      if (checker.isSuspect(candidate) !== suspect) continue;
      if (checked++ === MOST_CHECKED) break;
      const remedy = checker.confirm(candidate);
      yield tried;
      if (remedy) return { candidate, remedy };
    }
  }
  return undefined;
}

/** Another training is offered only for a gain that surely shows. */
function isWorthIt(bold: Confirmed, last: Confirmed): boolean {
  const [a, b] = [bold.candidate.seconds, last.candidate.seconds];
  return a !== undefined && b !== undefined && a < b * WORTHWHILE;
}
