import { kept } from '../../kept';
import type { TrainingRun } from '../../run/training-run';
import { type Corner, type Facts, type Note, readFacts } from './facts';

interface Made {
  readonly facts: Facts | undefined;
  readonly notes: readonly Parameters<Note>[];
}

const made = kept<TrainingRun, Partial<Record<Corner, Made>>>();

/**
 * {@link readFacts} of a run at one end of what is not known, read once: memory, host memory and checkpoints all start from them. What
 * was assumed is noted for each.
 */
export function factsOnce(run: TrainingRun, corner: Corner, note: Note): Facts | undefined {
  const known = made.get(run) ?? {};
  const { facts, notes } = known[corner] ?? make(run, corner, known);
  known[corner] = { facts, notes };
  made.set(run, known);
  for (const given of notes) note(...given);
  return facts;
}

function make(run: TrainingRun, corner: Corner, known: Partial<Record<Corner, Made>>): Made {
  const notes: Parameters<Note>[] = [];
  const note: Note = (...given) => {
    notes.push(given);
  };
  // Where facts come from is the same at both ends.
  const { expected, low, high } = known;
  return { facts: readFacts(run, corner, note, (expected ?? low ?? high)?.facts?.from), notes };
}
