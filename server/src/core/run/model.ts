import type { Catalogs, ModelCatalog } from '../catalogs';
import type { Model } from '../models/model';
import { type Resolved, type ResolveOptions, resolveModel } from '../models/resolve';
import { dirname } from '../paths';
import type { Path, SourceFile } from '../source';
import type { FileFinder } from './files';
import { type Known, known, type Origin, unknown } from './known';
import { overrideOf, type RunSources } from './sources';
import type { Disagreement } from './training-run';
import { pathOf, textFrom, type Written } from './written';

/** Keys that name the model in Trainer files and on launch lines. */
const MODEL_KEYS = [
  'model_name_or_path',
  'model_name',
  'model_id',
  'pretrained_model_name_or_path',
  'base_model',
  'model_path',
  'model',
];

/** The first source that names a model which can be found: a flag, the files, what was picked in the editor, then shardlens.json. */
export function readModel(
  sources: Pick<RunSources, 'args' | 'overrides' | 'settings' | 'links'>,
  catalogs: Catalogs,
  finder: FileFinder,
  disagreements: Disagreement[],
): Known<Model> {
  const own = sources.links.configs.model;
  const argument = sources.args.get(...MODEL_KEYS);
  const named = inTurn(sources, argument, overrideOf(sources, 'model'), sources.settings.fields.model);
  let first: Known<Model> | undefined;
  let reason: Known<Model> | undefined;
  if (own) {
    first = resolve(
      { name: own.file.path, origin: undefined, base: dirname(own.file.path) },
      sources,
      catalogs,
      finder,
    );
  }
  for (const written of named) {
    const found = namedBy(written, sources, catalogs, finder);
    if (!found.known) {
      reason ??= found;
      // The user asked for this one by flag, pick or setting: that it is not found must be said.
      if (written !== argument) note(found, written, finder);
      // A flag asks about this model: an answer about another would be to another question.
      if (written.origin.kind === 'flag' && own === undefined) return found;
    } else if (!first) first = found;
    else if (first.known && first.value.name !== found.value.name && own === undefined) {
      disagreements.push({ fact: 'model', taken: nameOf(first), other: nameOf(found) });
    }
  }
  return first ?? reason ?? unknown('no file, flag or setting names the model');
}

/** A flag comes before the files, since whoever runs a command knows which file it is about; a pick in the editor counts for all files. */
function inTurn(
  { overrides }: Pick<RunSources, 'overrides'>,
  argument: Written | undefined,
  given: Written | undefined,
  setting: Written | undefined,
): Written[] {
  const turns = overrides.from === 'flag' ? [given, argument, setting] : [argument, given, setting];
  return turns.filter((it) => it !== undefined);
}

function namedBy(
  written: Written,
  sources: Pick<RunSources, 'settings'>,
  catalogs: Catalogs,
  finder: FileFinder,
): Known<Model> {
  const name = textFrom(written);
  if (!name.known) return unknown(name.why, name.origin);
  const base = folderOf(name.origin, sources, finder);
  return resolve({ name: name.value, origin: name.origin, base }, sources, catalogs, finder);
}

function resolve(
  named: { name: string; origin: Origin | undefined; base: Path },
  { settings }: Pick<RunSources, 'settings'>,
  catalogs: Catalogs,
  finder: FileFinder,
): Known<Model> {
  const { model, dependencies } = rememberedModel(named.name, {
    catalog: catalogs.models,
    workspace: finder.workspace,
    base: named.base,
    own: settings.models,
  });
  for (const path of dependencies) finder.dependencies.add(path);
  if (!named.origin) return model;
  if (!model.known) return unknown(model.why, named.origin);
  return known(model.value, { kind: 'derived', formula: model.value.name, from: [named.origin, model.origin] });
}

interface Remembered {
  readonly own: ResolveOptions['own'];
  readonly resolved: Resolved;
  /** What each file looked at was then; the same files give the same answer. */
  readonly seen: readonly (SourceFile | undefined)[];
}

const MAX_REMEMBERED = 64;
const remembered = new WeakMap<ModelCatalog, Map<string, Remembered>>();

/** Resolving a model counts its parameters or searches the names nearest to it: too much for every keystroke. */
function rememberedModel(name: string, options: ResolveOptions): Resolved {
  const { catalog, workspace, base, own } = options;
  let answers = remembered.get(catalog);
  // A new map, not the old one cleared: what V8 leaves of a cleared map keeps alive what is put into it later.
  if (!answers || answers.size >= MAX_REMEMBERED) {
    answers = new Map();
    remembered.set(catalog, answers);
  }
  const key = `${base}\n${name}`;
  const before = answers.get(key);
  const isSame = (path: Path, index: number) => workspace.source(path) === before?.seen[index];
  if (before && before.own === own && before.resolved.dependencies.every(isSame)) return before.resolved;
  const resolved = resolveModel(name, options);
  answers.set(key, { own, resolved, seen: resolved.dependencies.map((path) => workspace.source(path)) });
  return resolved;
}

function folderOf(origin: Origin, { settings }: Pick<RunSources, 'settings'>, finder: FileFinder): Path {
  const path = pathOf(origin);
  return path === undefined ? settings.folder || (finder.workspace.roots[0] ?? '') : dirname(path);
}

function note(found: Known<Model>, written: Written, finder: FileFinder): void {
  // A value that is no text is said where it is written.
  if (found.known || typeof written.plain !== 'string') return;
  finder.notes.push({ kind: 'unknown-model', message: `${found.why}.`, origin: written.origin });
}

/** The name, from where it is written. */
function nameOf(model: Known<Model>): Known<string> {
  if (!model.known) return model;
  const { origin } = model;
  return known(model.value.name, origin.kind === 'derived' ? (origin.from[0] ?? origin) : origin);
}
