import { kept } from '../kept';
import { basename, isAbsolute, join } from '../paths';
import type { Path, ReadResult } from '../source';
import type { Known } from './known';
import { BARE_FLAGS, readFlags } from './launch-flags';
import { handedOn } from './launch-variables';
import { shellOf } from './manifest-commands';
import { isKubernetes } from './manifest-kubernetes';
import { type Command, readScript, type Script } from './shell';
import type { Word } from './shell-words';
import { stepOptions } from './slurm-variables';
import type { Written } from './written';

export type Launcher = 'accelerate' | 'deepspeed' | 'torchrun' | 'trl' | 'python';

/** A line of a script that starts training. */
export interface Launch {
  /** The script it stands in. */
  readonly path: Path;
  readonly start: number;
  readonly end: number;
  /** Of its start, from 1. */
  readonly line?: number | undefined;
  readonly launcher: Launcher;
  /** Started once per node or task by srun. */
  readonly srun: boolean;
  /** Flags of the launcher, by name with `_` for `-`. */
  readonly flags: ReadonlyMap<string, Written>;
  /** The training script, or the method of `trl sft`. */
  readonly script: Known<string>;
  /** Flags of the training script. */
  readonly arguments: ReadonlyMap<string, Written>;
  /** Words of the training script that belong to no flag: `train.yaml`. */
  readonly positional: readonly Word[];
  /** A word that cannot be read and may stand for flags of the launcher. */
  readonly unread?: Word;
  /** A word that cannot be read and may stand for further flags of the training script: `"$@"`. */
  readonly open?: Word | undefined;
  readonly environment: ReadonlyMap<string, Known<string>>;
  readonly slurm: ReadonlyMap<string, Word>;
  /** Folder that its script has gone to before, see {@link Command.folder}. */
  readonly folder: string;
}

/** A name as a launch line writes it, from where its script begins. */
export function placeOf({ folder }: Launch, written: string): string {
  return folder === '' || isAbsolute(written) ? written : join(folder, written);
}

const read = kept<ReadResult, readonly Launch[]>();

/** The launch lines of a script, remembered for as long as the adapter keeps the text. */
export function launchesIn(path: Path, result: ReadResult): readonly Launch[] {
  const known = read.get(result);
  if (known) return known;
  const text = result.ok ? shellIn(path, result.text) : undefined;
  const found = text !== undefined && mayLaunch(text) ? launchesOf(path, readScript(path, text)) : [];
  const launches = found.map((launch) => ({ ...launch, line: text?.slice(0, launch.start).split('\n').length }));
  read.set(result, launches);
  return launches;
}

/** A script is one; of a Kubernetes manifest, what its containers run. */
function shellIn(path: Path, text: string): string | undefined {
  if (!/\.ya?ml$/i.test(path)) return text;
  return isKubernetes(text) ? shellOf(text) : undefined;
}

/** Most scripts start nothing; they are not read into words. */
function mayLaunch(text: string): boolean {
  return /accelerate|deepspeed|torchrun|torch\.distributed|\btrl\b|python/.test(text);
}

/** The launch lines among the commands of a script. */
export function launchesOf(path: Path, script: Script): Launch[] {
  return script.commands.flatMap((command) => launchOf(path, command, script) ?? []);
}

function launchOf(path: Path, command: Command, script: Script): Launch | undefined {
  const { words } = command;
  const found = findLauncher(words);
  const first = words[0];
  const last = words[words.length - 1];
  if (!found || !first || !last || words.slice(0, found.next).some(({ raw }) => NOT_LAUNCHING.has(raw)))
    return undefined;
  const head = readFlags(words, found.next, BARE_FLAGS[found.launcher], true);
  const scriptWord = found.script ?? words[head.next];
  if (!scriptWord) return undefined;
  const rest = readFlags(words, found.script ? found.next : head.next + 1, undefined, false);
  const unread = found.script ? rest.unread : head.unread;
  const step = words.findIndex(({ raw }) => raw === 'srun') + 1;
  const srun = step > 0 && step < found.next;
  const launch: Launch = {
    path,
    start: first.start,
    end: last.end,
    launcher: found.launcher,
    srun,
    flags: found.script ? new Map() : head.flags,
    script: scriptWord.text,
    arguments: rest.flags,
    positional: rest.positional,
    ...(unread && unread !== scriptWord && { unread }),
    open: rest.unread,
    folder: command.folder,
    environment: handedOn(words.slice(0, found.next), command, script),
    slurm: srun ? stepOptions(path, words.slice(step, found.next - 1), script.slurm) : script.slurm,
  };
  // A plain `python` line counts only where it starts a training script with flags: not `python setup.py`.
  const trains = launch.arguments.size > 1 || launch.positional.some(({ raw }) => /\.(ya?ml|json)["']?$/.test(raw));
  return found.launcher === 'python' && !trains ? undefined : launch;
}

/** Words in front that make a launcher's name an argument: `pip install deepspeed`. */
const NOT_LAUNCHING = new Set([
  'pip',
  'pip3',
  'install',
  'echo',
  'printf',
  'which',
  'pkill',
  'grep',
  'cat',
  'rm',
  'git',
]);

interface Found {
  readonly launcher: Launcher;
  /** First word after the launcher. */
  readonly next: number;
  /** Known already for `trl sft`. */
  readonly script?: Word;
}

const TRL_METHODS = new Set(['sft', 'dpo', 'grpo', 'kto', 'reward', 'rloo', 'orpo']);

function findLauncher(words: readonly Word[]): Found | undefined {
  for (let i = 0; i < Math.min(words.length, 40); i++) {
    const name = basename(textOf(words[i]));
    const next = words[i + 1];
    if (name === 'accelerate' && textOf(next) === 'launch') return { launcher: 'accelerate', next: i + 2 };
    if (name === 'accelerate-launch') return { launcher: 'accelerate', next: i + 1 };
    if (name === 'deepspeed' || name === 'ds') return { launcher: 'deepspeed', next: i + 1 };
    if (name === 'torchrun') return { launcher: 'torchrun', next: i + 1 };
    if (name === 'trl' && next && TRL_METHODS.has(textOf(next))) return { launcher: 'trl', next: i + 2, script: next };
    if (/^python[\d.]*$/.test(name)) return afterPython(words, i + 1);
  }
  return undefined;
}

function afterPython(words: readonly Word[], start: number): Found | undefined {
  let i = start;
  while (/^-[uBEOsI]+$/.test(textOf(words[i]))) i++;
  if (textOf(words[i]) !== '-m') {
    return /\.py$/.test(textOf(words[i])) ? { launcher: 'python', next: i } : undefined;
  }
  const module = textOf(words[i + 1]);
  if (module === 'torch.distributed.run' || module === 'torch.distributed.launch') {
    return { launcher: 'torchrun', next: i + 2 };
  }
  if (module === 'accelerate.commands.launch') return { launcher: 'accelerate', next: i + 2 };
  if (module === 'deepspeed.launcher.runner') return { launcher: 'deepspeed', next: i + 2 };
  return undefined;
}

function textOf(word: Word | undefined): string {
  return word?.text.known ? word.text.value : '';
}
