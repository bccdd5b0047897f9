import type { RunNote } from '../analysis';
import type { Measurement } from '../calibrate/measurement';
import type { Severity } from '../findings';
import { kept } from '../kept';
import { basename, dirname, join, relativeTo } from '../paths';
import type { Config, Path, SourceFile, StillFolder } from '../source';
import type { FileFinder, OfFolder } from './files';
import { isLiteral } from './glob';
import { type Field, readSettings, type SettingsContent, type Target } from './settings-content';
import type { Consumer, FrameworkName } from './training-run';
import type { Written } from './written';

/** What our own settings file is called. */
export const SETTINGS_NAME = 'shardlens.json';

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

const nearest = kept<StillFolder, OfFolder<SourceFile | undefined>>();

/**
 * The nearest shardlens.json above a file, or the one that `--config` names. What it says of `main`, the file that the run has its
 * arguments from, holds for the run; of the file itself only its own name stands over that.
 */
export function settingsFor(path: Path, finder: FileFinder, named: Path | undefined, main?: Path): ProjectSettings {
  const file = named === undefined ? nearestAbove(path, finder) : finder.workspace.source(named);
  if (named !== undefined) finder.dependencies.add(named);
  if (file) return forFile(file, path, main);
  if (named === undefined) return nothing(dirname(path), []);
  return nothing(dirname(path), [
    { kind: 'unreadable-file', message: `The settings file ${basename(named)} cannot be read.`, origin: undefined },
  ]);
}

function nearestAbove(path: Path, finder: FileFinder): SourceFile | undefined {
  return finder.ofFolder(dirname(path), nearest, (looked) => {
    for (const folder of finder.foldersUp(path)) {
      const place = join(folder, SETTINGS_NAME);
      looked.push(place);
      const file = finder.workspace.source(place);
      if (file) return file;
    }
    return undefined;
  });
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

/** Made once per version of the settings file. */
const contents = kept<SourceFile, SettingsContent | RunNote>();

function forFile(file: SourceFile, path: Path, main = path): ProjectSettings {
  let content = contents.get(file);
  if (!content) {
    content = readSettings(file);
    contents.set(file, content);
  }
  const folder = dirname(file.path);
  if ('kind' in content) return nothing(folder, [content]);
  const relative = relativeTo(folder, path);
  const ofRun = relativeTo(folder, main);
  const matching = content.sections.filter(({ match }) => match(relative));
  const named = matching.filter(({ pattern }) => isLiteral(pattern));
  const joined = [...content.sections.filter(({ match }) => match(relative) || match(ofRun)), ...named];
  const [sections = [], own = []] = [joined, matching].map((each) => [content.base, ...each.map((it) => it.section)]);
  return {
    config: content.config,
    folder,
    fields: Object.assign({}, ...sections.map((section) => section.fields)),
    targets: content.targets,
    frameworks: new Map(sections.flatMap((section) => [...section.frameworks])),
    rules: Object.assign({}, ...own.map((section) => section.rules)),
    with: companions(content, matching, folder, path),
    hardware: content.hardware,
    models: content.models,
    measured: content.measured,
    notes: content.notes,
  };
}

/** `with` of the globs that match this file, and the files whose own `with` names it. */
function companions(
  content: SettingsContent,
  matching: SettingsContent['sections'],
  folder: Path,
  path: Path,
): ProjectSettings['with'] {
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

/** The consumer of this name, if there is one. */
export function consumerOf(text: string): Consumer | undefined {
  return text === 'deepspeed' || text === 'accelerate' || text === 'trainer' ? text : undefined;
}
