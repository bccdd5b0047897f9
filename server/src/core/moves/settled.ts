import { basename } from '../paths';
import type { Known, Origin } from '../run/known';
import type { Launch } from '../run/launch';
import type { TrainingRun } from '../run/training-run';
import type { Written } from '../run/written';
import { runDialects } from '../source';
import type { Note } from './move';

/** Something the search may not change, and who decides it. */
export interface Closed {
  /** As `micro-batch`. */
  readonly what: string;
  /** Completes "because": `--per_device_train_batch_size in train.sh is filled in by a template or variable`. */
  readonly because: string;
}

/** Where the values of a tried run come from. */
export const TRIED: Origin = { kind: 'assumed', because: 'tried by the search' };

/**
 * Whether the files of the run alone settle a fact, so that a write changes it: not where a flag, a target or a guess does.
 * A default counts, since a key can be added; so does a literal word of the launch line.
 */
export function isSettledByFiles(run: TrainingRun, fact: Known<unknown>): boolean {
  return fact.known && hindrance(run, fact.origin) === undefined;
}

/** Whether all of these facts are open to a change; each that is not is told to `note`. */
export function isOpen(run: TrainingRun, what: string, facts: readonly Known<unknown>[], note?: Note): boolean {
  let open = true;
  for (const fact of facts) {
    const because = fact.known ? hindrance(run, fact.origin) : `${fact.why}${placeOf(run, fact)}`;
    if (because === undefined) continue;
    open = false;
    // What nobody wrote is said elsewhere; here it is who stands in the way.
    if (fact.known || fact.origin) note?.({ what, because });
  }
  return open;
}

/** A reason that names a flag is about the launch line, wherever the value is looked for. */
function placeOf({ launches }: TrainingRun, { why, origin }: Extract<Known<unknown>, { known: false }>): string {
  const path = why.includes('--') ? launches?.[0]?.path : origin?.kind === 'file' ? origin.path : undefined;
  return path === undefined ? '' : ` (${basename(path)})`;
}

/** Who decides a value besides the files that can be edited; undefined where nobody does. */
function hindrance(run: TrainingRun, origin: Origin): string | undefined {
  switch (origin.kind) {
    case 'default':
    case 'catalog':
      return undefined;
    case 'file':
      return inFile(run, origin);
    case 'flag':
      return `${origin.flag} of this command decides it`;
    case 'editor':
      return `${origin.what} decides it`;
    case 'assumed':
      return `it is assumed: ${origin.because}`;
    case 'derived': {
      // The size of the machine is a given of the search: what follows from it and from the files is settled by the files.
      const others = origin.from.filter((it) => !isGiven(run, it));
      if (others.length === 0) return origin.from[0] ? hindrance(run, origin.from[0]) : undefined;
      return others.map((it) => hindrance(run, it)).find((it) => it !== undefined);
    }
    default:
      return origin satisfies never;
  }
}

/** Values that no move changes, whoever gives them: flags, the editor's picks, targets and launch lines' sizes. */
function isGiven(run: TrainingRun, origin: Origin): boolean {
  if (origin.kind === 'flag' || origin.kind === 'editor') return true;
  if (origin.kind === 'derived') return origin.from.length > 0 && origin.from.every((it) => isGiven(run, it));
  return origin.kind === 'file' && (origin.path === run.configs.shardlens?.file.path || SIZES.test(origin.key));
}

/** Keys and flags that say how many processes are started. */
const SIZES =
  /^(--(nproc_per_node|nnodes|num_gpus|num_nodes|num_processes|num_machines|include)|num_processes|num_machines)$/;

function inFile(run: TrainingRun, { path, key, start }: Extract<Origin, { kind: 'file' }>): string | undefined {
  const paths = new Set(runDialects.map((dialect) => run.configs[dialect]?.file.path));
  if (paths.has(path)) return undefined;
  const where = `${key} in ${basename(path)}`;
  const launch = run.launches?.find((it) => it.path === path && it.start <= start && start <= it.end);
  const flag = launch && flagAt(launch, path, start);
  if (!flag) return `${where} decides it`;
  return flagHindrance(run, flag);
}

function flagAt(launch: Launch, path: string, start: number): Written | undefined {
  const isThere = ({ origin }: Written): boolean =>
    origin.kind === 'file' && origin.path === path && origin.start === start;
  return [...launch.arguments.values(), ...launch.flags.values()].find(isThere);
}

/** Why a flag of the launch line cannot be rewritten; undefined where it can. */
export function flagHindrance({ launches = [] }: TrainingRun, flag: Written): string | undefined {
  const where = `${flag.key} in ${flag.origin.kind === 'file' ? basename(flag.origin.path) : 'the launch line'}`;
  if (launches.length > 1) return `${where} is one of ${launches.length} launch lines of this run`;
  if (flag.templated) return `${where} is filled in by a template or variable`;
  return flag.literal === true ? undefined : variableHindrance(where, flag.variable);
}

/** Why another value cannot be assigned to the variable of a flag; undefined where it can. */
function variableHindrance(where: string, variable: Written['variable']): string | undefined {
  if (!variable) return `${where} takes its value from a variable`;
  const takes = `${where} takes its value from ${variable.name}, which`;
  if (variable.times > 1) return `${takes} is assigned ${variable.times} times`;
  if (variable.isExported) return `${takes} is exported, so that others may read it`;
  return variable.uses > 1 ? `${takes} is used ${variable.uses} times` : undefined;
}
