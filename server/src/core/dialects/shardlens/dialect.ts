import type { Setting } from '../../settings';
import type { Config, DialectId } from '../../source';
import type { Entry, MappingNode, Node } from '../../syntax/node';
import type { Dialect } from '../dialect';
import { mappingAt } from '../root';
import { recognise } from './recognise';

/** Our own settings file. */
export const shardlens: Dialect = {
  id: 'shardlens',
  title: 'Shardlens settings',
  recognise,
  sections: () => [],
  references,
};

/** Files that `with` joins to a run, cluster descriptions that targets name, and models given as a path. */
function references(config: Config): { setting: Setting; dialect: DialectId }[] {
  const found: { setting: Setting; dialect: DialectId }[] = [];
  addModel(config, config.root, '', found);
  for (const { key, value } of mappingAt(config.root, 'files')?.entries ?? []) {
    if (value?.kind !== 'mapping') continue;
    addModel(config, value, `files.${key}.`, found);
    addJoined(config, value, `files.${key}.with`, found);
  }
  for (const { key, value } of mappingAt(config.root, 'targets')?.entries ?? []) {
    const hardware = value?.kind === 'mapping' ? entryOf(value, 'hardware') : undefined;
    if (hardware === undefined || !isJsonPath(hardware.value)) continue;
    found.push({ setting: settingOf(config, `targets.${key}.hardware`, hardware, hardware.value), dialect: 'cluster' });
  }
  return found;
}

function addJoined(
  config: Config,
  files: MappingNode,
  path: string,
  found: { setting: Setting; dialect: DialectId }[],
): void {
  const entry = entryOf(files, 'with');
  if (entry?.value?.kind !== 'sequence') return;
  for (const item of entry.value.items) {
    const written = textOf(item);
    if (written === undefined) continue;
    // What the file really is, is told by its content; this is what such a file most often is.
    const dialect = /\.ya?ml$/i.test(written) ? 'accelerate' : 'deepspeed';
    found.push({ setting: settingOf(config, path, entry, item), dialect });
  }
}

function addModel(
  config: Config,
  mapping: MappingNode,
  prefix: string,
  found: { setting: Setting; dialect: DialectId }[],
): void {
  const entry = entryOf(mapping, 'model');
  const written = textOf(entry?.value);
  if (entry === undefined || written === undefined || !/^(?:\.{1,2}\/|\/)|\.json$/.test(written)) return;
  found.push({ setting: settingOf(config, `${prefix}model`, entry, entry.value), dialect: 'model' });
}

function settingOf(config: Config, path: string, entry: Entry, node: Node | undefined): Setting {
  return { config, path, entry, node };
}

function entryOf(mapping: MappingNode, key: string): Entry | undefined {
  return mapping.entries.findLast((entry) => entry.key === key);
}

function isJsonPath(node: Node | undefined): boolean {
  return textOf(node)?.endsWith('.json') === true;
}

function textOf(node: Node | undefined): string | undefined {
  return node?.kind === 'scalar' && node.scalar.type === 'string' ? node.scalar.value : undefined;
}
