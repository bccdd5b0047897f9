import type { FamilyRecord, ModelCatalog, ModelRecord } from '../catalogs';
import { basename, dirname, isAbsolute, isInside, join, relativeTo } from '../paths';
import { type Known, known, type Origin, unknown } from '../run/known';
import type { Path, Workspace } from '../source';
import { toPlain } from '../syntax/plain';
import { isFields } from './config';
import { describeModel } from './describe';
import type { Model } from './model';

export interface ResolveOptions {
  readonly catalog: ModelCatalog;
  readonly workspace: Workspace;
  /** Folder of the file that names the model. */
  readonly base: Path;
  /** `models` of shardlens.json: own records, each a config.json, or an object that holds one as `config`. */
  readonly own?: Readonly<Record<string, unknown>> | undefined;
}

export interface Resolved {
  readonly model: Known<Model>;
  /** Files that were looked at or looked for; a change to one of them may change the answer. */
  readonly dependencies: readonly Path[];
}

/**
 * Finds a model by the name that a config gives it, in the order in which transformers would: own records, then a folder or
 * file of that name (beside the file, then in each folder above it up to the workspace root), then the catalog.
 * What is not found is unknown, with the nearest names as the reason.
 */
export function resolveModel(idOrPath: string, options: ResolveOptions): Resolved {
  const dependencies: Path[] = [];
  const name = idOrPath.trim();
  if (name === '') return { model: unknown('the name of the model is empty'), dependencies };
  const model =
    ownModel(name, options) ??
    localModel(name, options, dependencies, true) ??
    catalogModel(name, options) ??
    namedByPath(name, options) ??
    unknown<Model>(whyUnknown(name, options, dependencies));
  return { model, dependencies };
}

function ownModel(name: string, { own, catalog }: ResolveOptions): Known<Model> | undefined {
  if (own === undefined || !Object.hasOwn(own, name)) return undefined;
  const record = own[name];
  // The catalog's shape keeps the class beside the config: `architecture`, where config.json has `architectures`.
  const config =
    isFields(record) && isFields(record.config)
      ? {
          ...record,
          ...(record.architecture !== undefined && { architectures: [record.architecture] }),
          ...record.config,
        }
      : record;
  return described(config, name, 'models in shardlens.json', 'high', catalog, {
    kind: 'catalog',
    id: name,
    source: 'models in shardlens.json',
  });
}

/** A folder with config.json (or adapter_config.json, followed once), or the path of a config.json. */
function localModel(
  name: string,
  options: ResolveOptions,
  dependencies: Path[],
  followAdapter: boolean,
): Known<Model> | undefined {
  for (const place of placesOf(name, options)) {
    const file = place.endsWith('.json') ? place : join(place, 'config.json');
    const config = readJson(file, options.workspace, dependencies);
    if (config !== undefined) {
      const origin: Origin = { kind: 'file', path: file, start: 0, end: 0, key: '' };
      const shown = shownPath(file, options.workspace);
      if (isBroken(file, options.workspace)) return unknown(`${shown} cannot be read to its end`, origin);
      return described(config, shown, shown, 'high', options.catalog, origin);
    }
    if (!followAdapter || place.endsWith('.json')) continue;
    const adapter = readJson(join(place, 'adapter_config.json'), options.workspace, dependencies);
    const base = isFields(adapter) ? adapter.base_model_name_or_path : undefined;
    if (typeof base === 'string' && base !== '') {
      return (
        localModel(base, options, dependencies, false) ?? catalogModel(base, options) ?? namedByPath(base, options)
      );
    }
  }
  return undefined;
}

/** Relative to the workspace folder it lies in: the rest is the same for every file, and nobody else's machine has it. */
function shownPath(path: Path, { roots }: Workspace): string {
  const root = roots.filter((folder) => isInside(folder, path)).sort((a, b) => b.length - a.length)[0];
  return root === undefined ? path : relativeTo(root, path);
}

function isBroken(file: Path, workspace: Workspace): boolean {
  const problems = workspace.source(file)?.tree.problems ?? [];
  return problems.some(({ kind }) => kind === 'broken' || kind === 'limit');
}

/** Where a name could lie, nearest first; nothing outside the workspace. */
function placesOf(name: string, { base, workspace }: ResolveOptions): Path[] {
  if (/^[A-Za-z][A-Za-z0-9+.-]+:\/\//.test(name)) return [];
  if (isAbsolute(name)) return [join('', name)];
  const places: Path[] = [];
  let folder = base;
  for (let depth = 0; depth < MAX_FOLDERS_UP; depth++) {
    const place = join(folder, name);
    if (workspace.roots.some((root) => isInside(root, place))) places.push(place);
    const above = dirname(folder);
    if (workspace.roots.includes(folder) || above === folder) break;
    folder = above;
  }
  return places;
}

/** Far deeper than real projects; a guard against a base that lies in no workspace folder. */
const MAX_FOLDERS_UP = 32;

function readJson(file: Path, workspace: Workspace, dependencies: Path[]): unknown {
  dependencies.push(file);
  const source = workspace.source(file);
  return source === undefined ? undefined : toPlain(source.tree.root, 'json');
}

const describedRecords = new WeakMap<ModelCatalog, WeakMap<ModelRecord, Known<Model>>>();

/** Described once for as long as the catalog gives the same record: a tree of configs names few models. */
function catalogModel(name: string, { catalog }: ResolveOptions): Known<Model> | undefined {
  const record = catalog.find(name);
  if (!record) return undefined;
  const before = describedRecords.get(catalog) ?? new WeakMap<ModelRecord, Known<Model>>();
  describedRecords.set(catalog, before);
  const model = before.get(record) ?? describeRecord(record, catalog);
  before.set(record, model);
  return model;
}

/** The model of a catalog record, with the confidence of the record. */
function describeRecord(record: ModelRecord, catalog: ModelCatalog): Known<Model> {
  return described(record.config, record.id, record.source, record.confidence, catalog, {
    kind: 'catalog',
    id: record.id,
    source: record.source,
  });
}

/** A path that cannot be read, whose last part is the name of a model: `/data/models/Meta-Llama-3-8B`, or the hub's cache. */
function namedByPath(name: string, { catalog }: ResolveOptions): Known<Model> | undefined {
  const cached = /models--([^/]+?)--([^/]+)/.exec(name);
  const last = cached ? `${cached[1]}/${cached[2]}` : basename(join('', name.replace(/\/config\.json$/, '')));
  const record = last === name || !/[\d]/.test(last) ? undefined : catalog.find(last);
  if (!record) return undefined;
  const because = `${name} could not be read; its name is that of ${record.id}`;
  const family = familyFor(record.config, catalog);
  const described = describeModel(record.config, {
    family,
    recorded: catalog.recorded,
    name: record.id,
    source: record.source,
    confidence: record.confidence === 'high' ? 'medium' : record.confidence,
  });
  if ('problem' in described) return undefined;
  const assumptions = [...described.model.assumptions, because];
  return known({ ...described.model, assumptions }, { kind: 'assumed', because });
}

function described(
  config: unknown,
  name: string,
  source: string,
  confidence: Model['confidence'],
  catalog: ModelCatalog,
  origin: Origin,
): Known<Model> {
  const family = familyFor(config, catalog);
  const result = describeModel(config, { family, recorded: catalog.recorded, name, source, confidence });
  return 'model' in result
    ? known(result.model, origin)
    : unknown(`${name} cannot be counted: ${result.problem}`, origin);
}

function familyFor(config: unknown, catalog: ModelCatalog): FamilyRecord | undefined {
  const type = isFields(config) ? config.model_type : undefined;
  return typeof type === 'string' ? catalog.family(type) : undefined;
}

function whyUnknown(name: string, { catalog, workspace }: ResolveOptions, dependencies: readonly Path[]): string {
  if (dependencies.some((file) => isPending(workspace, file))) return `the config.json of ${name} is still being read`;
  const nearest = catalog.nearest(name, 3);
  const hint = nearest.length === 0 ? '' : `; the nearest names are ${nearest.join(', ')}`;
  const isOutside = isAbsolute(name) && !workspace.roots.some((root) => isInside(root, join('', name)));
  if (isOutside) return `${name} lies outside the workspace folders and is not read${hint}`;
  const shown = isAbsolute(name) ? shownPath(join('', name), workspace) : name;
  return `${shown} is no model of the catalog and no folder with a config.json${hint}`;
}

function isPending(workspace: Workspace, file: Path): boolean {
  const read = workspace.read(file);
  return !read.ok && read.why === 'pending';
}
