import type { TrainerArguments } from '../dialects/trainer/read';
import { valueIfKnown } from '../run/known';
import { numberFrom, textFrom } from '../run/written';

/** transformers src/transformers/training_args.py:1165 (5.18.0). */
export const DEFAULT_SAVE_STEPS = 500;

/** The number that is written, or the default; undefined where what is written proves nothing. */
export function numberIn(args: TrainerArguments, key: string, fallback: number): number | undefined {
  const written = args.get(key);
  return written && written.plain !== null ? valueIfKnown(numberFrom(written)) : fallback;
}

/** `steps` where nothing is written; undefined where what is written proves nothing. */
export function saveStrategy(args: TrainerArguments): string | undefined {
  const written = args.get('save_strategy');
  return written ? valueIfKnown(textFrom(written)) : 'steps';
}

/** Optimizer steps from one checkpoint to the next; undefined where that hangs on the length of the data. */
export function stepsBetweenSaves(args: TrainerArguments): number | undefined {
  const every = numberIn(args, 'save_steps', DEFAULT_SAVE_STEPS);
  return saveStrategy(args) === 'steps' && every !== undefined && every >= 1 ? every : undefined;
}
