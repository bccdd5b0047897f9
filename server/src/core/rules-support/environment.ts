import type { Report } from '../rules/rule';
import type { TrainingRun } from '../run/training-run';
import type { Config } from '../source';
import { filePlaces, leadsRun, type Place } from './places';

/** A variable of the launch line with the value it is set to, and where. */
export interface Variable {
  readonly name: string;
  readonly value: string;
  readonly place: Place | undefined;
}

/** The variable, where the launch line of this run sets it to a plain value. */
export function variableOf(run: TrainingRun, name: string): Variable | undefined {
  const found = run.environment[name];
  if (!found?.known) return undefined;
  return { name, value: found.value.trim(), place: filePlaces(found)[0] };
}

/** NCCL reads 1 as on; 0 and an empty text are off. */
export function isOn(variable: Variable | undefined): variable is Variable {
  return variable !== undefined && /^(1|true|yes|on)$/i.test(variable.value);
}

/**
 * A report about a launch script, which is no config and is not analysed itself: at the start of the config that speaks for
 * the run, with the line of the script beside it. Undefined where another config of the run speaks for it.
 */
export function atLaunch(
  run: TrainingRun,
  config: Config,
  variable: Variable,
): Pick<Report, 'at' | 'related'> | undefined {
  if (!leadsRun(run, config)) return undefined;
  const { place, name } = variable;
  return { at: { start: 0, end: 0 }, related: place ? [{ at: place, message: `${name} is set here.` }] : [] };
}
