import type { Catalogs } from '../catalogs';
import { statedSize } from '../hardware/cluster';
import { basename, isAbsolute, join } from '../paths';
import type { Path } from '../source';
import { toPlain } from '../syntax/plain';
import type { FileFinder } from './files';
import type { RunSources } from './sources';
import type { Written } from './written';

type Sources = Pick<RunSources, 'settings' | 'links'>;

/** Hardware as a flag or a target names it. */
export interface NamedHardware {
  readonly written: Written;
  /** The cluster description behind the name; undefined for a catalog id. */
  readonly description: Readonly<Record<string, unknown>> | undefined;
  readonly stated: { readonly nodes: number | undefined; readonly gpusPerNode: number | undefined };
}

/** What a flag or a target names, with the sizes that it states by itself. */
export function namedHardware(
  written: Written,
  sources: Sources,
  catalogs: Catalogs,
  finder: FileFinder,
): NamedHardware {
  const name = typeof written.plain === 'string' ? written.plain : '';
  const description = describedBy(name, sources, finder);
  const own = sources.settings.hardware;
  return { written, description, stated: statedSize(description ?? name, { catalog: catalogs.hardware, own }) };
}

/** A cluster description: a record of shardlens.json by name, or a file by path, relative to shardlens.json or as a flag gives it. */
function describedBy(
  name: string,
  { settings, links }: Sources,
  finder: FileFinder,
): Readonly<Record<string, unknown>> | undefined {
  if (Object.hasOwn(settings.hardware, name)) return objectOf(settings.hardware[name]);
  if (!name.endsWith('.json')) return undefined;
  const from = links.files[0]?.path ?? settings.folder;
  const above = finder.foldersUp(from).map((folder) => join(folder, name));
  const places: readonly Path[] = isAbsolute(name) ? [join('', name)] : [join(settings.folder, name), ...above];
  for (const place of places) {
    finder.dependencies.add(place);
    const file = finder.workspace.source(place);
    const found = objectOf(toPlain(file?.tree.root, 'json'));
    if (file?.tree.problems.some(({ kind }) => kind === 'broken' || kind === 'limit')) {
      const message = `The cluster description ${basename(place)} cannot be read to its end.`;
      finder.notes.push({ kind: 'unreadable-file', message, origin: undefined });
    }
    if (found) return found;
  }
  return undefined;
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

/** A description goes by the name of its file. */
export function shortName(plain: unknown): string {
  const name = String(plain);
  return name.endsWith('.json') ? basename(name) : name;
}
