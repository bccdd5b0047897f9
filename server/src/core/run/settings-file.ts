import type { RunNote } from '../analysis';
import { type Measurement, readMeasured } from '../calibrate/measurement';
import type { Severity } from '../findings';
import { basename, dirname, join, relativeTo } from '../paths';
import type { Config, Path, SourceFile, Workspace } from '../source';
import type { Entry, MappingNode } from '../syntax/node';
import { lookup } from '../syntax/node';
import { toPlain } from '../syntax/plain';
import { foldersUp } from './folders';
import { compileGlob, isLiteral } from './glob';
import type { Consumer, FrameworkName } from './training-run';
import { type Written, writtenOf } from './written';

/** What our own settings file is called. */
export const SETTINGS_NAME = 'shardlens.json';

/** Fields of shardlens.json that `files` may override for a glob. */
const FIELDS = ['target', 'model', 'sequenceLength', 'meanSequenceLength', 'datasetSamples', 'consumer'] as const;
type Field = (typeof FIELDS)[number];

/** A named target: what a run is placed on. */
export interface Target {
  readonly name: string;
  readonly hardware: Written | undefined;
  readonly nodes: Written | undefined;
  readonly gpusPerNode: Written | undefined;
}

/** What shardlens.json says about one file: defaults, with the overrides of every glob that matches it, later ones first. */
export interface ProjectSettings {
  /** undefined where there is no shardlens.json above the file. */
  readonly config: Config | undefined;
  /** Folder that paths in it are relative to. */
  readonly folder: Path;
  readonly fields: Readonly<Partial<Record<Field, Written>>>;
  readonly targets: ReadonlyMap<string, Target>;
  readonly frameworks: ReadonlyMap<FrameworkName, Written>;
  readonly rules: Readonly<Record<string, Severity | 'off'>>;
  /** Files that make one run with this one, and the setting that says so. */
  readonly with: readonly { readonly path: Path; readonly because: string }[];
  /** Own records by name, in the catalogs' shape. */
  readonly hardware: Readonly<Record<string, unknown>>;
  readonly models: Readonly<Record<string, unknown>>;
  /** Figures that runs showed, with the facts they hold for. */
  readonly measured: readonly Measurement[];
  readonly notes: readonly RunNote[];
}

/** The nearest shardlens.json above a file, or the one that `--config` names. Every place looked at goes to `dependencies`. */
export function settingsFor(
  path: Path,
  workspace: Workspace,
  named: Path | undefined,
  dependencies: Set<Path>,
): ProjectSettings {
  const places =
    named === undefined ? foldersUp(path, workspace).map((folder) => join(folder, SETTINGS_NAME)) : [named];
  for (const place of places) {
    dependencies.add(place);
    const file = workspace.source(place);
    if (file) return forFile(file, path);
  }
  if (named === undefined) return nothing(dirname(path), []);
  return nothing(dirname(path), [
    { kind: 'unreadable-file', message: `The settings file ${basename(named)} cannot be read.`, origin: undefined },
  ]);
}

function nothing(folder: Path, notes: readonly RunNote[]): ProjectSettings {
  return {
    config: undefined,
    folder,
    fields: {},
    targets: new Map(),
    frameworks: new Map(),
    rules: {},
    with: [],
    hardware: NONE,
    models: NONE,
    measured: [],
    notes,
  };
}

const NONE: Readonly<Record<string, unknown>> = {};

/** What does not depend on the file asked about; made once per version of the settings file. */
interface Parsed {
  readonly config: Config;
  readonly base: Section;
  readonly sections: readonly {
    readonly pattern: string;
    readonly match: (path: string) => boolean;
    readonly section: Section;
  }[];
  readonly targets: ReadonlyMap<string, Target>;
  readonly hardware: Readonly<Record<string, unknown>>;
  readonly models: Readonly<Record<string, unknown>>;
  readonly measured: readonly Measurement[];
  readonly notes: readonly RunNote[];
}

interface Section {
  readonly fields: Readonly<Partial<Record<Field, Written>>>;
  readonly frameworks: ReadonlyMap<FrameworkName, Written>;
  readonly rules: Readonly<Record<string, Severity | 'off'>>;
  readonly with: readonly string[];
}

const parsed = new WeakMap<SourceFile, Parsed | RunNote>();

function forFile(file: SourceFile, path: Path): ProjectSettings {
  let content = parsed.get(file);
  if (!content) {
    content = parse(file);
    parsed.set(file, content);
  }
  const folder = dirname(file.path);
  if ('kind' in content) return nothing(folder, [content]);
  const relative = relativeTo(folder, path);
  const matching = content.sections.filter(({ match }) => match(relative));
  const sections = [content.base, ...matching.map(({ section }) => section)];
  return {
    config: content.config,
    folder,
    fields: Object.assign({}, ...sections.map((section) => section.fields)),
    targets: content.targets,
    frameworks: new Map(sections.flatMap((section) => [...section.frameworks])),
    rules: Object.assign({}, ...sections.map((section) => section.rules)),
    with: companions(content, matching, folder, path),
    hardware: content.hardware,
    models: content.models,
    measured: content.measured,
    notes: content.notes,
  };
}

/** `with` of the globs that match this file, and the files whose own `with` names it. */
function companions(content: Parsed, matching: Parsed['sections'], folder: Path, path: Path): ProjectSettings['with'] {
  const found: { path: Path; because: string }[] = [];
  for (const { pattern, section } of matching) {
    for (const name of section.with) {
      found.push({ path: join(folder, name), because: `named by \`with\` of "${pattern}" in ${SETTINGS_NAME}` });
    }
  }
  for (const { pattern, section } of content.sections) {
    if (!isLiteral(pattern) || !section.with.some((name) => join(folder, name) === path)) continue;
    const because = `"${pattern}" names this file by \`with\` in ${SETTINGS_NAME}`;
    for (const other of [pattern, ...section.with]) {
      const place = join(folder, other);
      if (place !== path) found.push({ path: place, because });
    }
  }
  return found;
}

function parse(file: SourceFile): Parsed | RunNote {
  const { root, problems } = file.tree;
  const broken = problems.find((problem) => problem.kind === 'broken' || problem.kind === 'limit');
  const place = { kind: 'file', path: file.path, start: broken?.start ?? 0, end: broken?.end ?? 0, key: '' } as const;
  if (root?.kind !== 'mapping') {
    const message = `${basename(file.path)} is not a JSON object, so none of its settings is used.`;
    return { kind: 'broken-settings-file', message, origin: place };
  }
  const config: Config = { dialect: 'shardlens', file, root, at: '' };
  const files = mappingAt(root, 'files');
  return {
    config,
    base: sectionOf(config, root, ''),
    sections: (files?.entries ?? []).flatMap((entry) => {
      if (entry.value?.kind !== 'mapping') return [];
      const section = sectionOf(config, entry.value, `files.${entry.key}.`);
      return [{ pattern: entry.key, match: compileGlob(entry.key), section }];
    }),
    targets: targetsOf(config),
    hardware: recordsAt(root, 'hardware'),
    models: recordsAt(root, 'models'),
    measured: readMeasured(
      mappingAt(root, 'measured'),
      (entry) => written(config, entry, `measured.${entry.key}`).origin,
    ),
    notes: broken
      ? [
          {
            kind: 'broken-settings-file',
            message: `${basename(file.path)} has a syntax error, so some of its settings may be lost.`,
            origin: place,
          },
        ]
      : [],
  };
}

function sectionOf(config: Config, mapping: MappingNode, prefix: string): Section {
  const fields: Partial<Record<Field, Written>> = {};
  for (const field of FIELDS) {
    const entry = lookup(mapping, field);
    if (entry) fields[field] = written(config, entry, prefix + field);
  }
  const names = lookup(mapping, 'with')?.value;
  const listed = toPlain(names, 'json');
  return {
    fields,
    frameworks: new Map(
      (mappingAt(mapping, 'frameworks')?.entries ?? []).map((entry) => [
        entry.key as FrameworkName,
        written(config, entry, `${prefix}frameworks.${entry.key}`),
      ]),
    ),
    rules: levelsOf(mappingAt(mapping, 'rules')),
    with:
      typeof listed === 'string'
        ? [listed]
        : Array.isArray(listed)
          ? listed.filter((name) => typeof name === 'string')
          : [],
  };
}

const LEVELS = new Set(['off', 'hint', 'information', 'warning', 'error']);

function levelsOf(mapping: MappingNode | undefined): Record<string, Severity | 'off'> {
  const levels: Record<string, Severity | 'off'> = {};
  for (const { key, value } of mapping?.entries ?? []) {
    const level = value?.kind === 'scalar' ? value.scalar.value : undefined;
    if (typeof level === 'string' && LEVELS.has(level)) levels[key] = level as Severity | 'off';
  }
  return levels;
}

function targetsOf(config: Config): ReadonlyMap<string, Target> {
  const targets = new Map<string, Target>();
  for (const entry of mappingAt(config.root, 'targets')?.entries ?? []) {
    if (entry.value?.kind !== 'mapping') continue;
    const at = (key: string): Written | undefined => {
      const found = entry.value?.kind === 'mapping' ? lookup(entry.value, key) : undefined;
      return found && written(config, found, `targets.${entry.key}.${key}`);
    };
    targets.set(entry.key, {
      name: entry.key,
      hardware: at('hardware'),
      nodes: at('nodes'),
      gpusPerNode: at('gpusPerNode'),
    });
  }
  return targets;
}

function written(config: Config, entry: Entry, path: string): Written {
  return writtenOf({ config, path, entry, node: entry.value });
}

function mappingAt(mapping: MappingNode, key: string): MappingNode | undefined {
  const value = lookup(mapping, key)?.value;
  return value?.kind === 'mapping' ? value : undefined;
}

function recordsAt(root: MappingNode, key: string): Readonly<Record<string, unknown>> {
  const plain = toPlain(mappingAt(root, key), 'json');
  return typeof plain === 'object' && plain !== null ? (plain as Record<string, unknown>) : {};
}

/** The consumer of this name, if there is one. */
export function consumerOf(text: string): Consumer | undefined {
  return text === 'deepspeed' || text === 'accelerate' || text === 'trainer' ? text : undefined;
}
