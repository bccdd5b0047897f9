import { readArguments, type TrainerArguments } from '../dialects/trainer/read';
import type { TrainingRun } from '../run/training-run';
import type { Written } from '../run/written';
import { type Write, writeTo } from './move';
import { flagHindrance } from './settled';

/** The arguments of the training script, from the Trainer file and the launch line together. */
export function argumentsOf({ configs, launches }: TrainingRun): TrainerArguments {
  return readArguments(configs.trainer, launches?.[0]);
}

/**
 * Writes an argument of the training script where it is decided: the flag of the launch line that wins, else the Trainer
 * file, else a new flag behind the script. `undefined` takes it out. No write where the flag cannot be edited.
 */
export function argumentWrite(run: TrainingRun, name: string, value: unknown): Write | undefined {
  const args = argumentsOf(run);
  if (!args.present) return undefined;
  const flag = args.launch?.arguments.get(name);
  if (flag) return flagHindrance(run, flag) === undefined ? flagWrite(flag, value) : undefined;
  const { trainer } = run.configs;
  if (trainer) return writeTo(trainer, name, value);
  return value === undefined ? undefined : newFlag(run, name, value);
}

/** Writes all of them, or none where one cannot be written. */
export function argumentWrites(run: TrainingRun, values: Readonly<Record<string, unknown>>): Write[] | undefined {
  const writes = Object.entries(values).map(([name, value]) => argumentWrite(run, name, value));
  const made = writes.filter((it) => it !== undefined);
  return made.length === writes.length ? made : undefined;
}

/** A flag of a launch line with another value: in the line, or where the script assigns the variable that it takes. */
export function flagWrite({ origin, key, variable, literal }: Written, value: unknown): Write | undefined {
  if (origin.kind !== 'file') return undefined;
  if (literal !== true && variable && value !== undefined) {
    const { name, start, end } = variable;
    return { path: origin.path, key: name, value, at: { start, end, isAssigned: true } };
  }
  return { path: origin.path, key, value, at: { start: origin.start, end: origin.end } };
}

/** Behind the script, where its own flags begin. */
function newFlag({ launches }: TrainingRun, name: string, value: unknown): Write | undefined {
  const launch = launches?.length === 1 ? launches[0] : undefined;
  const script = launch?.script.origin;
  if (!launch || script?.kind !== 'file') return undefined;
  return { path: launch.path, key: `--${name}`, value, at: { start: script.end, end: script.end } };
}
