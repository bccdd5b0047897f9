import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { analyze } from '../../../server/src/core/analyze';
import { exampleFiles } from '../../../server/src/core/features/rule-example';
import { rules } from '../../../server/src/core/rules/index';
import type { TrainingRun } from '../../../server/src/core/run/training-run';
import { loadCatalogs } from '../../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../../memory-workspace';

/** A run put to a framework: texts by name, and what is expected of us where that can be said by hand. */
export interface Case {
  readonly id: string;
  readonly files: Readonly<Record<string, string>>;
  /** The file that is analysed; the first when not said. */
  readonly entry: string;
  readonly dialect?: string;
  /** Who reads the files, as our own join says; the recorder chooses where it is not known. */
  readonly consumer?: string;
  readonly world_size?: number;
  /** Flags that the one launch line gives TRL's command. */
  readonly arguments?: readonly string[];
  /** TRL's method (`sft`, `dpo`, …) whose config and trainer read the arguments. */
  readonly method?: string;
  /** The files of the run by what they are, where they stand alone: the Accelerate file that starts it, and what the script is given. */
  readonly accelerate?: string;
  readonly trainer?: string;
  readonly deepspeed?: string;
  /** Compute capability of the run's GPU: [8, 0]. */
  readonly gpu?: readonly [number, number];
  readonly expect?: Expectation;
}

export interface Expectation {
  /** Rules that must report it. */
  readonly rules?: readonly string[];
  /** Line of the entry, counted from 1, that carries the finding. */
  readonly line?: number;
  /** It runs, but not as written: the framework ignores or changes something, which must be a finding of any level. */
  readonly silent?: boolean;
}

export type Recorder = keyof typeof DIALECTS;

/** The dialects a recorder can put to its framework. */
export const DIALECTS = {
  deepspeed: ['deepspeed'],
  trainer: ['trainer'],
  accelerate: ['accelerate', 'fsdp'],
} as const;

export const RECORDERS = Object.keys(DIALECTS) as readonly Recorder[];

/** Ranks of a run that names none: enough to meet what one process hides, few enough that common batches divide. */
const ASSUMED_WORLD_SIZE = 2;

/** The examples of the rules about the recorder's dialects, then the hand-written cases in `folder`; sorted by id. */
export function casesFor(recorder: Recorder, folder: string): readonly Case[] {
  return [...exampleCases(recorder), ...writtenCases(path.join(folder, recorder))].sort((a, b) =>
    a.id < b.id ? -1 : 1,
  );
}

function exampleCases(recorder: Recorder): Case[] {
  const dialects: readonly string[] = DIALECTS[recorder];
  const own = rules.filter(({ applies }) => applies.some((dialect) => dialects.includes(dialect)));
  return own.flatMap((rule) =>
    (['bad', 'good'] as const).flatMap((kind) =>
      rule.examples[kind].map((example, index) => {
        const files = exampleFiles(rule, example);
        return { id: `${rule.id}/${kind}/${index}`, files, entry: Object.keys(files)[0] ?? '' };
      }),
    ),
  );
}

/** A file of cases is a list, so that one file holds what belongs together. */
function writtenCases(folder: string): Case[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .flatMap((name) => JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as Case[])
    .map((each) => ({ ...each, entry: each.entry ?? Object.keys(each.files)[0] ?? '' }));
}

/** Fills in what a case leaves open with what the product itself reads from the files; the recorder needs both. */
export function joined(each: Case): Case & { readonly world_size: number; readonly world_size_stated: boolean } {
  const workspace = memoryWorkspace(each.files);
  const source = workspace.source(`${ROOT}/${each.entry}`);
  if (!source) throw new Error(`${each.id}: ${each.entry} is not among its files`);
  const { run, recognition } = analyze(source, { workspace, catalogs: loadCatalogs() });
  const dialect = each.dialect ?? recognition?.dialect;
  const consumer = each.consumer ?? (run?.consumer.known ? run.consumer.value : undefined);
  const method = each.method ?? (run?.method.known ? run.method.value : undefined);
  const gpu = each.gpu ?? capabilityOf(run);
  const stated = each.world_size ?? (run?.worldSize.known ? run.worldSize.value : undefined);
  return {
    ...each,
    ...(dialect && { dialect }),
    ...(consumer && { consumer }),
    ...(method && { method }),
    ...flagsOf(run),
    ...filesOf(run),
    ...(gpu && { gpu }),
    world_size: stated ?? ASSUMED_WORLD_SIZE,
    // A verdict that hangs on a number of ranks we assumed proves less.
    world_size_stated: stated !== undefined,
  };
}

/** Of a line of TRL's own command: what TrlParser reads beside the file. What other scripts read, no recorder knows. */
function flagsOf(run: TrainingRun | undefined): Pick<Case, 'arguments'> {
  const [launch, ...others] = run?.launches ?? [];
  if (launch?.launcher !== 'trl' || others.length > 0 || run?.configs.trainer?.at !== '') return {};
  const flags = [...launch.arguments].flatMap(([name, { plain, templated }]) =>
    name === 'config' || templated ? [] : [`--${name}`, ...(plain === true ? [] : [String(plain)])],
  );
  return flags.length > 0 ? { arguments: flags } : {};
}

function capabilityOf(run: TrainingRun | undefined): Case['gpu'] {
  if (!run?.cluster.known) return undefined;
  const { computeCapability } = run.cluster.value.accelerator;
  const [major, minor] = String(computeCapability ?? '')
    .split('.')
    .map(Number);
  return major === undefined || minor === undefined || Number.isNaN(minor) ? undefined : [major, minor];
}

/** Files of the run that are no sections of others, named as the case names them. */
function filesOf(run: TrainingRun | undefined): Pick<Case, 'accelerate' | 'trainer' | 'deepspeed'> {
  const found: { accelerate?: string; trainer?: string; deepspeed?: string } = {};
  for (const dialect of ['accelerate', 'trainer', 'deepspeed'] as const) {
    const config = run?.configs[dialect];
    if (config?.at === '') found[dialect] = config.file.path.slice(ROOT.length + 1);
  }
  return found;
}
