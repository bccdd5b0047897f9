import type { TrainingRun } from '../run/training-run';
import type { Config, Path } from '../source';
import type { Closed } from './settled';

/**
 * What a change does to the training itself. `same`: nothing, up to the order of sums. `data`: each step sees about as many
 * tokens, but other samples meet in it. `numerics`: the same run with other arithmetic or another optimizer, whose loss
 * curve may differ. The global batch is never changed.
 */
export type TrainingEffect = 'same' | 'data' | 'numerics';

/** The effects from the least to the most that changes. */
export const EFFECTS: readonly TrainingEffect[] = ['same', 'data', 'numerics'];

/** One value to write: the dotted path counts from the top of the file. `undefined` takes the key out. */
export interface Write {
  readonly path: Path;
  readonly key: string;
  readonly value: unknown;
  /** In a launch script, the text that gives way; empty where a flag is added. */
  readonly at?: {
    readonly start: number;
    readonly end: number;
    /** It is the value of a variable that the script assigns, not a flag. */
    readonly isAssigned?: boolean;
  };
}

/** One step from a run to a neighbour: what it does to the facts, and what it writes into the files. */
export interface Move {
  /** At most one move of a dimension is taken. */
  readonly dimension: string;
  /** A verb and its object, as `Turn on gradient_checkpointing`. */
  readonly title: string;
  readonly training: TrainingEffect;
  /** What the user has to know besides, as `needs the bitsandbytes package`. */
  readonly note?: string;
  readonly writes: readonly Write[];
  /**
   * Of a move that changes micro-batch or accumulation: its own part. Several such moves share the batch keys, so what is
   * written there follows from all of them together; see `compose`.
   */
  readonly beside?: { readonly title: string; readonly writes: readonly Write[] };
  /** Whether it can be made on a run that other moves have changed already; without it, always. */
  allows?(run: TrainingRun): boolean;
  /** The run with this changed; the promise is made on the files as written, this only leads the search. */
  apply(run: TrainingRun): TrainingRun;
}

/** Hears of what a dimension cannot change, and why. */
export type Note = (closed: Closed) => void;

/** The moves along one dimension that are open to a run; none where a fact is unknown or decided outside its files. */
export type Dimension = (run: TrainingRun, note?: Note) => readonly Move[];

/** A write of a key of a config, which may be a section of its file. */
export function writeTo(config: Config, key: string, value: unknown): Write {
  return { path: config.file.path, key: config.at === '' ? key : `${config.at}.${key}`, value };
}

/** `zero_stage` of `deepspeed_config.zero_stage`. */
export function lastPart(key: string): string {
  return key.slice(key.lastIndexOf('.') + 1).replace(/^--/, '');
}
