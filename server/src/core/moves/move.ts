import type { Known, Origin } from '../run/known';
import type { TrainingRun } from '../run/training-run';
import { type Config, type Path, runDialects } from '../source';

/**
 * What a change does to the training itself. `same`: nothing, up to the order of sums. `numerics`: the same run with other
 * arithmetic or another optimizer, whose loss curve may differ. The global batch is never changed.
 */
export type TrainingEffect = 'same' | 'numerics';

/** One value to write: the dotted path counts from the top of the file. `undefined` takes the key out. */
export interface Write {
  readonly path: Path;
  readonly key: string;
  readonly value: unknown;
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
  /** The run with this changed; the promise is made on the files as written, this only leads the search. */
  apply(run: TrainingRun): TrainingRun;
}

/** The moves along one dimension that are open to a run; none where a fact is unknown or decided outside its files. */
export type Dimension = (run: TrainingRun) => readonly Move[];

/** Where the values of a tried run come from. */
export const TRIED: Origin = { kind: 'assumed', because: 'tried by the search' };

/**
 * Whether the files of the run alone settle a fact, so that a write changes it: not where a launch line, a target or a guess
 * does. A default counts, since a key can be added.
 */
export function isSettledByFiles({ configs }: TrainingRun, fact: Known<unknown>): boolean {
  const paths = new Set(runDialects.map((dialect) => configs[dialect]?.file.path));
  const isOurs = (origin: Origin): boolean => {
    if (origin.kind === 'derived') return origin.from.every(isOurs);
    return origin.kind === 'default' || origin.kind === 'catalog' || (origin.kind === 'file' && paths.has(origin.path));
  };
  return fact.known && isOurs(fact.origin);
}

/** A write of a key of a config, which may be a section of its file. */
export function writeTo(config: Config, key: string, value: unknown): Write {
  return { path: config.file.path, key: config.at === '' ? key : `${config.at}.${key}`, value };
}
