import type { TrainingRun } from '../run/training-run';
import { batchChange } from './batch';
import { EFFECTS, type Move, type TrainingEffect, type Write } from './move';

/** Several moves as one change. */
export interface Composed {
  /** The moves in words, as one sentence. */
  readonly title: string;
  readonly training: TrainingEffect;
  readonly notes: readonly string[];
  readonly writes: readonly Write[];
}

/** The run after all the moves, in their order; undefined where one cannot be made on what the others leave. */
export function applyAll(run: TrainingRun, moves: readonly Move[]): TrainingRun | undefined {
  let changed = run;
  for (const move of moves) {
    if (move.allows && !move.allows(changed)) return undefined;
    changed = move.apply(changed);
  }
  return changed;
}

/**
 * What the moves write and are called together. Where several change micro-batch or accumulation, the batch keys are written
 * once, as all of them leave it.
 */
export function compose(run: TrainingRun, moves: readonly Move[]): Composed | undefined {
  const [first, ...others] = moves.filter((move) => move.beside);
  const shared = first && others.length > 0 ? sharedBatch(run, moves) : undefined;
  if (others.length > 0 && !shared) return undefined;
  const parts = shared ? [shared, ...moves.map((move) => move.beside ?? move)] : moves;
  const titles = parts.map(({ title }) => title).filter((title) => title !== '');
  return {
    title: titles
      .map((title, index) => (index === 0 ? title : title.charAt(0).toLowerCase() + title.slice(1)))
      .join(', '),
    training: EFFECTS[Math.max(...moves.map(({ training }) => EFFECTS.indexOf(training)))] ?? 'same',
    notes: [...new Set(moves.flatMap(({ note }) => note ?? []))],
    writes: parts.flatMap(({ writes }) => writes),
  };
}

function sharedBatch(run: TrainingRun, moves: readonly Move[]): Pick<Move, 'title' | 'writes'> | undefined {
  const changed = applyAll(run, moves);
  return changed && batchChange(run, changed);
}
