import path from 'node:path';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { Overrides } from '../core/analysis';
import type { Path } from '../core/source';
import { UsageError } from './usage';
import { kindOf } from './walk';

type Options = NonNullable<ParseArgsConfig['options']>;

const RUN_OPTIONS = {
  model: { type: 'string' },
  hardware: { type: 'string' },
  nodes: { type: 'string' },
  gpus: { type: 'string' },
  'seq-len': { type: 'string' },
  target: { type: 'string', multiple: true },
  config: { type: 'string' },
  format: { type: 'string' },
} as const satisfies Options;

const CHECK_OPTIONS = {
  ...RUN_OPTIONS,
  fix: { type: 'boolean' },
  'max-warnings': { type: 'string' },
  quiet: { type: 'boolean' },
  stdin: { type: 'boolean' },
  'stdin-filename': { type: 'string' },
} as const satisfies Options;

const CHECK_FORMATS = ['text', 'json', 'sarif', 'github', 'junit'] as const;
const PLAIN_FORMATS = ['text', 'json'] as const;
const ESTIMATE_FORMATS = [...PLAIN_FORMATS, 'html'] as const;

export type CheckFormat = (typeof CHECK_FORMATS)[number];

export interface RunArguments {
  readonly paths: readonly string[];
  readonly overrides: Overrides;
  /** Paths named by flags, which may lie outside the folder that is checked. */
  readonly named: readonly Path[];
}

export interface CheckArguments extends RunArguments {
  readonly format: CheckFormat;
  readonly fix: boolean;
  readonly maxWarnings: number | undefined;
  readonly quiet: boolean;
  /** Name the text on standard input goes by; undefined when files are checked. */
  readonly stdinName: string | undefined;
}

export interface EstimateArguments extends RunArguments {
  readonly format: (typeof ESTIMATE_FORMATS)[number];
  /** Targets to set side by side: those named, or with `all` every one of shardlens.json; undefined for an estimate of one run. */
  readonly compare: readonly string[] | 'all' | undefined;
}

/** Reads the arguments of `shardlens check`. Throws a {@link UsageError} where they make no sense. */
export function checkArguments(args: readonly string[]): CheckArguments {
  const { values, positionals } = parse(args, CHECK_OPTIONS);
  const stdinName = values['stdin-filename'];
  if (values.stdin && stdinName === undefined) {
    throw new UsageError('--stdin needs --stdin-filename NAME: the name decides format and dialect.');
  }
  if (stdinName !== undefined && !values.stdin) throw new UsageError('--stdin-filename needs --stdin.');
  if (values.stdin && positionals.length > 0) throw new UsageError('--stdin checks one text; leave out the paths.');
  if (values.stdin && values.fix) throw new UsageError('--fix changes files; it cannot be used with --stdin.');
  return {
    ...runArguments(values, positionals),
    format: choice(values.format, CHECK_FORMATS),
    fix: values.fix ?? false,
    maxWarnings: count(values['max-warnings'], '--max-warnings', 0),
    quiet: values.quiet ?? false,
    stdinName,
  };
}

/** Reads the arguments of `shardlens estimate`, `fit` and the like; a page is made of the first only. Throws a {@link UsageError} where they make no sense. */
export function estimateArguments(args: readonly string[], command: string): EstimateArguments {
  const isEstimate = command === 'estimate';
  const { values, positionals } = parse(args, { ...RUN_OPTIONS, ...(isEstimate && COMPARE_OPTIONS) });
  if (positionals.length !== 1) throw new UsageError(`${command} takes one FILE.`);
  const format = choice(values.format, isEstimate ? ESTIMATE_FORMATS : PLAIN_FORMATS);
  const compare = isEstimate ? comparedTargets(values, 'all-targets' in values) : undefined;
  if (compare && format === 'html') throw new UsageError('--format html shows one run; name one --target.');
  const { target: _, ...others } = values;
  return { ...runArguments(compare ? others : values, positionals), format, compare };
}

const COMPARE_OPTIONS = { 'all-targets': { type: 'boolean' } } as const satisfies Options;

/** Several targets make a table; a machine named besides would take the place of all of them. */
function comparedTargets(values: RunValues, all: boolean): EstimateArguments['compare'] {
  const named = values.target ?? [];
  if (!all && named.length < 2) return undefined;
  if (all && named.length > 0) throw new UsageError('--all-targets already compares every target; leave out --target.');
  for (const flag of ['hardware', 'nodes', 'gpus'] as const) {
    if (values[flag] !== undefined) {
      throw new UsageError(`--${flag} would take the place of every target; compare targets without it.`);
    }
  }
  return all ? 'all' : [...new Set(named)];
}

/** Positional words of a command that has no options but `--format`. */
export function plainArguments(args: readonly string[]): { words: readonly string[]; json: boolean } {
  const { values, positionals } = parse(args, { format: RUN_OPTIONS.format });
  return { words: positionals, json: choice(values.format, PLAIN_FORMATS) === 'json' };
}

export interface ImportArguments {
  readonly files: readonly string[];
  /** Catalog id for what the files do not say. */
  readonly hardware: string | undefined;
  /** Name under which the machine is written into shardlens.json. */
  readonly target: string | undefined;
  readonly config: string | undefined;
  readonly json: boolean;
}

/** Reads the arguments of `shardlens hardware import`. Throws a {@link UsageError} where they make no sense. */
export function importArguments(args: readonly string[]): ImportArguments {
  const { hardware, config, format } = RUN_OPTIONS;
  const { values, positionals } = parse(args, { hardware, config, format, target: { type: 'string' } });
  if (positionals.length === 0) throw new UsageError('hardware import takes FILE…, or - for standard input.');
  if (values.target?.trim() === '') throw new UsageError('--target takes a name.');
  if (values.config !== undefined && values.target === undefined) throw new UsageError('--config needs --target NAME.');
  return {
    files: positionals,
    hardware: values.hardware,
    target: values.target?.trim(),
    config: values.config,
    json: choice(values.format, PLAIN_FORMATS) === 'json',
  };
}

export interface CalibrateArguments extends EstimateArguments {
  /** What the run printed. */
  readonly logs: readonly string[];
  readonly write: boolean;
}

/** Reads the arguments of `shardlens calibrate`: the config of a run, then its logs. Throws a {@link UsageError} where they make no sense. */
export function calibrateArguments(args: readonly string[]): CalibrateArguments {
  const options = { ...RUN_OPTIONS, write: { type: 'boolean' } } as const;
  const { values, positionals } = parse(args, options);
  const [file, ...logs] = positionals;
  if (file === undefined || logs.length === 0) {
    throw new UsageError(
      'calibrate takes FILE LOG…: the config of a run, and what the run printed; - is standard input.',
    );
  }
  return {
    ...runArguments(values, [file]),
    compare: undefined,
    format: choice(values.format, PLAIN_FORMATS),
    logs,
    write: values.write ?? false,
  };
}

function parse<T extends Options>(args: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    // Node's message names the option; its advice about `--` helps no one here.
    const [message = 'wrong options'] = (error instanceof Error ? error.message : String(error)).split('. To specify');
    throw new UsageError(`${message}; \`shardlens --help\` lists the options.`);
  }
}

interface RunValues {
  readonly model?: string | undefined;
  readonly hardware?: string | undefined;
  readonly nodes?: string | undefined;
  readonly gpus?: string | undefined;
  readonly 'seq-len'?: string | undefined;
  readonly target?: readonly string[] | undefined;
  readonly config?: string | undefined;
}

function runArguments(values: RunValues, paths: readonly string[]): RunArguments {
  const nodes = count(values.nodes, '--nodes', 1, MOST.nodes);
  const gpusPerNode = count(values.gpus, '--gpus', 1, MOST.gpus);
  const sequenceLength = count(values['seq-len'], '--seq-len', 1, MOST.tokens);
  const model = values.model === undefined ? undefined : idOrExisting(values.model, '--model');
  const hardware = values.hardware === undefined ? undefined : idOrExisting(values.hardware, '--hardware');
  const target = oneTarget(values.target);
  const settingsPath = values.config === undefined ? undefined : absolute(existing(values.config, '--config', 'file'));
  return {
    paths,
    overrides: {
      from: 'flag',
      ...(model === undefined ? {} : { model }),
      ...(hardware === undefined ? {} : { hardware }),
      ...(target === undefined ? {} : { target }),
      ...(nodes === undefined ? {} : { nodes }),
      ...(gpusPerNode === undefined ? {} : { gpusPerNode }),
      ...(sequenceLength === undefined ? {} : { sequenceLength }),
      ...(settingsPath === undefined ? {} : { settingsPath }),
    },
    named: [model, hardware, settingsPath].filter((it): it is Path => it !== undefined && path.isAbsolute(it)),
  };
}

function oneTarget(names: readonly string[] = []): string | undefined {
  if (names.length > 1) throw new UsageError('only estimate takes several --target NAME, and sets them side by side.');
  const name = names[0]?.trim();
  if (name === '') throw new UsageError('--target takes a name.');
  return name;
}

/** Far beyond any cluster and any context; larger numbers are slips of the keyboard. */
const MOST = { nodes: 100_000, gpus: 1024, tokens: 100_000_000 };

/** A flag that names a path names something that is there: an answer without it would be to another question. */
function idOrExisting(written: string, flag: string): string {
  const value = idOrPath(written);
  return value === written ? value : absolute(existing(written, flag));
}

function existing(written: string, flag: string, wanted?: 'file'): string {
  const kind = kindOf(absolute(written));
  if (kind === 'missing') throw new UsageError(`${flag} names ${written}, which does not exist.`);
  if (kind === 'unreadable') throw new UsageError(`${flag} names ${written}, which cannot be read.`);
  if (kind === 'folder' && wanted === 'file') throw new UsageError(`${flag} names ${written}, which is a folder.`);
  return written;
}

/** `./model`, `../m/config.json`, `/m` and `box.json` are paths, seen from here; `meta-llama/Meta-Llama-3-8B` is an id. */
export function idOrPath(written: string): string {
  return /^\.{0,2}[/\\]|^[A-Za-z]:[/\\]|\.jsonc?$/.test(written) ? absolute(written) : written;
}

/** An absolute path with `/` between its parts, as the core wants them. */
export function absolute(written: string): Path {
  return path.resolve(written).replaceAll('\\', '/');
}

function count(written: string | undefined, flag: string, least: number, most?: number): number | undefined {
  if (written === undefined) return undefined;
  const value = Number(written);
  const isWhole = /^\d+$/.test(written) && Number.isSafeInteger(value);
  if (isWhole && value >= least && (most === undefined || value <= most)) return value;
  const range = most === undefined || !isWhole || value < least ? `${least} up` : `${least} to ${most}`;
  throw new UsageError(`${flag} takes a whole number from ${range}, not "${written}".`);
}

function choice<T extends string>(written: string | undefined, choices: readonly T[]): T {
  const [first] = choices;
  const found = written === undefined ? first : choices.find((it) => it === written);
  if (found !== undefined) return found;
  throw new UsageError(`--format is one of ${choices.join(', ')}, not "${written}".`);
}
