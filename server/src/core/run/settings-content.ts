import type { RunNote } from '../analysis';
import { type Measurement, readMeasured } from '../calibrate/measurement';
import type { Severity } from '../findings';
import { basename } from '../paths';
import type { Config, SourceFile } from '../source';
import type { Entry, MappingNode } from '../syntax/node';
import { lookup } from '../syntax/node';
import { toPlain } from '../syntax/plain';
import { compileGlob } from './glob';
import type { FrameworkName } from './training-run';
import { type Written, writtenOf } from './written';

/** Fields of shardlens.json that `files` may override for a glob. */
const FIELDS = ['target', 'model', 'sequenceLength', 'meanSequenceLength', 'datasetSamples', 'consumer'] as const;
export type Field = (typeof FIELDS)[number];

/** A named target: what a run is placed on. */
export interface Target {
  readonly name: string;
  readonly hardware: Written | undefined;
  readonly nodes: Written | undefined;
  readonly gpusPerNode: Written | undefined;
}

/** What a shardlens.json holds, for whichever file it is asked about. */
export interface SettingsContent {
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

/** Defaults, or what stands over them for the files of one glob. */
interface Section {
  readonly fields: Readonly<Partial<Record<Field, Written>>>;
  readonly frameworks: ReadonlyMap<FrameworkName, Written>;
  readonly rules: Readonly<Record<string, Severity | 'off'>>;
  readonly with: readonly string[];
}

/** What a settings file holds; a note where that is nothing. */
export function readSettings(file: SourceFile): SettingsContent | RunNote {
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
