import { analyze } from '../analyze';
import type { Catalogs } from '../catalogs';
import type { Finding, Fix } from '../findings';
import { dirname, isInside, join } from '../paths';
import type { Example, Rule } from '../rules/rule';
import type { DialectId, Path, SourceFile, Workspace } from '../source';
import { parseSource } from '../syntax/parse';
import { applyEdits } from '../text/edit';

/** Texts by file name; the first is the one looked at. */
export type ExampleFiles = Readonly<Record<string, string>>;

/** The folder that examples stand in. */
const ROOT: Path = '/workspace';

const NAMES: Readonly<Record<DialectId, string>> = {
  deepspeed: 'ds_config.json',
  trainer: 'train.yaml',
  fsdp: 'fsdp_config.json',
  accelerate: 'accelerate.yaml',
  shardlens: 'shardlens.json',
  model: 'config.json',
  cluster: 'cluster.json',
};

/** The files of an example; a single text gets the usual name of the rule's first dialect. */
export function exampleFiles({ applies }: Rule, { files, name }: Example): ExampleFiles {
  if (typeof files !== 'string') return files;
  return { [name ?? NAMES[applies[0] ?? 'deepspeed']]: files };
}

/** What the rule says of an example, by running it. */
export function findingsIn(rule: Rule, files: ExampleFiles, catalogs: Catalogs): readonly Finding[] {
  const workspace = workspaceOf(files);
  const file = workspace.source(join(ROOT, Object.keys(files)[0] ?? ''));
  if (!file) return [];
  return analyze(file, { workspace, catalogs })
    .findings()
    .filter((finding) => finding.rule === rule.id);
}

/** The files that a fix changes, as they are behind it. */
export function fixedFiles(files: ExampleFiles, { edits }: Fix): ExampleFiles {
  const changed: Record<string, string> = {};
  for (const [name, text] of Object.entries(files)) {
    const own = edits.filter(({ path }) => path === join(ROOT, name));
    if (own.length > 0) changed[name] = applyEdits(text, own);
  }
  return changed;
}

function workspaceOf(files: ExampleFiles): Workspace {
  const texts = new Map(Object.entries(files).map(([name, text]) => [join(ROOT, name), text]));
  const sources = new Map<Path, SourceFile>();
  const names = (folder: Path) =>
    [...texts.keys()].filter((path) => dirname(path) === folder).map((path) => path.slice(folder.length + 1));
  return {
    roots: [ROOT],
    read(path) {
      const text = texts.get(path);
      if (text !== undefined)
        return text.startsWith(MARK) ? { ok: true, text: unmarked(text), mark: 'utf-8' } : { ok: true, text };
      return { ok: false, why: isInside(ROOT, path) ? 'missing' : 'outside' };
    },
    source(path) {
      const text = texts.get(path);
      const source = sources.get(path) ?? (text === undefined ? undefined : parseSource(path, unmarked(text)));
      if (source) sources.set(path, source);
      return source;
    },
    list: (folder) => names(folder).sort(),
  };
}

/** No part of a text, wherever it is read. */
const MARK = '\uFEFF';

function unmarked(text: string): string {
  return text.startsWith(MARK) ? text.slice(MARK.length) : text;
}
