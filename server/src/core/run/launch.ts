import { basename } from '../paths';
import type { Path, ReadResult } from '../source';
import { type Known, known } from './known';
import { type Command, readScript, type Script, type Word } from './shell';
import { countFrom, type Written } from './written';

export type Launcher = 'accelerate' | 'deepspeed' | 'torchrun' | 'trl' | 'python';

/** A line of a script that starts training. */
export interface Launch {
  /** The script it stands in. */
  readonly path: Path;
  readonly start: number;
  readonly end: number;
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
  readonly environment: ReadonlyMap<string, Known<string>>;
  readonly slurm: ReadonlyMap<string, Word>;
}

const read = new WeakMap<ReadResult, readonly Launch[]>();

/** The launch lines of a script, remembered for as long as the adapter keeps the text. */
export function launchesIn(path: Path, result: ReadResult): readonly Launch[] {
  const known = read.get(result);
  if (known) return known;
  const launches = result.ok && mayLaunch(result.text) ? launchesOf(path, readScript(path, result.text)) : [];
  read.set(result, launches);
  return launches;
}

/** Most scripts start nothing; they are not read into words. */
function mayLaunch(text: string): boolean {
  return /accelerate|deepspeed|torchrun|torch\.distributed|\btrl\b|python/.test(text);
}

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
  const launch: Launch = {
    path,
    start: first.start,
    end: last.end,
    launcher: found.launcher,
    srun: words.some((word, index) => index < found.next && word.raw === 'srun'),
    flags: found.script ? new Map() : head.flags,
    script: scriptWord.text,
    arguments: rest.flags,
    positional: rest.positional,
    environment: command.environment,
    slurm: script.slurm,
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

/** Launcher flags that take no value: the word after them can be the script. */
const BARE_FLAGS: Readonly<Record<Launcher, ReadonlySet<string>>> = {
  accelerate: new Set(
    'multi_gpu use_deepspeed use_fsdp use_megatron_lm use_parallelism_config cpu tpu debug quiet q same_network no_python module m use_xpu ipex enable_cpu_affinity no_tpu_cluster tpu_use_sudo'.split(
      ' ',
    ),
  ),
  deepspeed: new Set(
    'no_ssh no_ssh_check force_multi no_python no_local_rank module save_pid bind_cores_to_rank enable_elastic_training'.split(
      ' ',
    ),
  ),
  torchrun: new Set('standalone no_python module m run_path use_env'.split(' ')),
  trl: new Set(),
  python: new Set(),
};

interface Flags {
  readonly flags: ReadonlyMap<string, Written>;
  readonly positional: readonly Word[];
  /** Index of the word that ended the reading: the script. */
  readonly next: number;
}

/** Reads `--name value`, `--name=value` and bare `--name`; with `untilWord` it stops at the first word that is no flag. */
function readFlags(
  words: readonly Word[],
  start: number,
  bare: ReadonlySet<string> | undefined,
  untilWord: boolean,
): Flags {
  const flags = new Map<string, Written>();
  const positional: Word[] = [];
  let i = start;
  while (i < words.length) {
    const word = words[i];
    if (!word) break;
    const match = /^--?([A-Za-z][\w.-]*)(=?)/.exec(word.raw);
    if (!match) {
      if (untilWord) break;
      positional.push(word);
      i++;
      continue;
    }
    const name = (match[1] ?? '').replaceAll('-', '_');
    const following = words[i + 1];
    if (match[2] === '=') flags.set(name, flag(name, word, word, match[0].length));
    else if (following && !bare?.has(name) && takesValue(following, untilWord && bare !== undefined)) {
      flags.set(name, flag(name, word, following, 0));
      i++;
    } else flags.set(name, { ...flag(name, word, word, 0), plain: true, templated: false });
    i++;
  }
  return { flags, positional, next: i };
}

function takesValue(word: Word, beforeScript: boolean): boolean {
  if (/^--?[A-Za-z]/.test(word.raw)) return false;
  return !(beforeScript && /\.py["']?$/.test(word.raw));
}

function flag(name: string, option: Word, value: Word, skip: number): Written {
  const { text } = value;
  const origin = text.known ? text.origin : (text.origin ?? { kind: 'assumed', because: 'a launch line' });
  const place = origin.kind === 'file' ? { ...origin, start: option.start, end: value.end, key: `--${name}` } : origin;
  return {
    key: `--${name}`,
    plain: text.known ? text.value.slice(skip) : text.why,
    origin: place,
    from: 'flag',
    templated: !text.known,
  };
}

function textOf(word: Word | undefined): string {
  return word?.text.known ? word.text.value : '';
}

/** The flags under any of these names; the first that is there. */
export function flagOf(flags: ReadonlyMap<string, Written>, ...names: readonly string[]): Written | undefined {
  for (const name of names) {
    const found = flags.get(name);
    if (found) return found;
  }
  return undefined;
}

/** What a launch line says about the size of the run; each undefined where it says nothing. */
export interface LaunchSize {
  readonly processes: Known<number> | undefined;
  readonly nodes: Known<number> | undefined;
  readonly perNode: Known<number> | undefined;
}

/** Sizes by the rules of each launcher: accelerate counts all processes, torchrun and deepspeed those of one node. */
export function sizeOf(launch: Launch): LaunchSize {
  const { flags, slurm } = launch;
  const slurmNodes = countOf(slurm.get('nodes'), /^(\d+)$/);
  const slurmGpus =
    countOf(slurm.get('gpus-per-node'), /(\d+)$/) ?? countOf(slurm.get('gres'), /^gpu(?::[\w.-]+)*?:(\d+)/);
  if (launch.launcher === 'accelerate' || launch.launcher === 'trl') {
    const source = launch.launcher === 'trl' ? launch.arguments : flags;
    return {
      processes: number(source.get('num_processes')),
      nodes: number(source.get('num_machines')) ?? slurmNodes,
      perNode: slurmGpus,
    };
  }
  if (launch.launcher === 'torchrun') {
    return {
      processes: undefined,
      nodes: number(flags.get('nnodes')) ?? (flags.has('standalone') ? undefined : slurmNodes),
      perNode: number(flags.get('nproc_per_node')) ?? slurmGpus,
    };
  }
  if (launch.launcher === 'deepspeed') {
    return {
      processes: undefined,
      nodes: number(flags.get('num_nodes')) ?? slurmNodes,
      perNode: number(flags.get('num_gpus')) ?? included(flags.get('include') ?? flags.get('i')) ?? slurmGpus,
    };
  }
  const tasks = launch.srun ? countOf(slurm.get('ntasks-per-node'), /^(\d+)$/) : undefined;
  return { processes: undefined, nodes: launch.srun ? slurmNodes : undefined, perNode: tasks };
}

function number(written: Written | undefined): Known<number> | undefined {
  return written && countFrom(written);
}

function countOf(word: Word | undefined, pattern: RegExp): Known<number> | undefined {
  if (!word?.text.known) return undefined;
  const found = pattern.exec(word.text.value);
  return found ? known(Number(found[1]), word.text.origin) : undefined;
}

/** `--include localhost:0,1,2,3` names the GPUs of one host. */
function included(written: Written | undefined): Known<number> | undefined {
  if (!written || written.templated || typeof written.plain !== 'string') return undefined;
  const ids = /^[\w.-]+:(\d+(?:,\d+)*)$/.exec(written.plain)?.[1];
  return ids === undefined ? undefined : known(ids.split(',').length, written.origin);
}
