import { estimateRun } from '../estimate/index';
import type { FileEdit, Fix } from '../findings';
import type { Cluster } from '../hardware/hardware';
import type { Report, RuleContext } from '../rules/rule';
import { known } from '../run/known';
import type { TrainingRun } from '../run/training-run';
import type { Config } from '../source';
import { formatSeconds } from '../text/format';
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

/** The links that the machine has, whatever the launch environment makes of them. */
export function usualLinks(cluster: Cluster): Pick<Cluster, 'intra' | 'inter' | 'nicsPerNode'> {
  return cluster.usual ?? cluster;
}

/** A smaller difference is finer than the model of the step. */
const WORTH_SAYING = 0.02;

/** ` A step takes about 96 s, and 47 s without it.`; empty where no step can be told or it makes no difference. */
export function stepWithout(context: RuleContext): string {
  const { run } = context;
  if (!run.cluster.known || !run.cluster.value.usual || !run.model.known) return '';
  const { usual, ...rest } = run.cluster.value;
  const before = context.estimate.step;
  const after = estimateRun({ ...run, cluster: known({ ...rest, ...usual }, run.cluster.origin) }).step;
  if (!before || !after || before.seconds - after.seconds < WORTH_SAYING * before.seconds) return '';
  return ` A step takes about ${formatSeconds(before.seconds)}, and ${formatSeconds(after.seconds)} without it.`;
}

/** Takes the variable out of the script or file that sets it: its whole line where nothing else stands there. */
export function removeVariable({ name, value, place }: Variable, { workspace }: RuleContext): Omit<Fix, 'preferred'>[] {
  const read = place && workspace.read(place.path);
  if (!place || !read?.ok) return [];
  const edit = removal(read.text, place);
  // A value that a variable of the script fills stands somewhere else.
  if (!edit || !read.text.slice(place.start, place.end).startsWith(`${name}=`)) return [];
  return [{ title: `Remove ${name}=${value} from the launch`, edits: [edit] }];
}

function removal(text: string, { path, start, end }: Place): FileEdit | undefined {
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  const newline = text.indexOf('\n', end);
  const before = text.slice(lineStart, start);
  const after = text.slice(end, newline < 0 ? text.length : newline);
  if (/^\s*(export\s+)?$/.test(before) && /^\s*(#.*)?$/.test(after))
    return { path, start: lineStart, end: newline < 0 ? text.length : newline + 1, newText: '' };
  const blanks = /^[ \t]*/.exec(after)?.[0].length ?? 0;
  return blanks > 0 ? { path, start, end: end + blanks, newText: '' } : undefined;
}
