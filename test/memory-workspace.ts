import { dirname, isInside, join } from '../server/src/core/paths';
import type { Path, ReadResult, SourceFile, Workspace } from '../server/src/core/source';
import { parseSource } from '../server/src/core/syntax/parse';

/** The folder that stands for the workspace in tests; file names are relative to it. */
export const ROOT = '/workspace';

/** A workspace of texts by name. Reads, parses and lists are cached, as an adapter does. */
export function memoryWorkspace(files: Readonly<Record<string, string>>, root: Path = ROOT): Workspace {
  const texts = new Map(Object.entries(files).map(([name, text]) => [join(root, name), text]));
  const reads = new Map<Path, ReadResult>();
  const sources = new Map<Path, SourceFile>();
  const folders = new Map<Path, readonly string[]>();
  return {
    roots: [root],
    read(path) {
      const found = reads.get(path);
      if (found) return found;
      const result = readResult(texts, path, root);
      reads.set(path, result);
      return result;
    },
    source(path) {
      const found = sources.get(path);
      if (found) return found;
      const text = isInside(root, path) ? texts.get(path) : undefined;
      if (text === undefined) return undefined;
      const source = parseSource(path, unmarked(text));
      sources.set(path, source);
      return source;
    },
    list(folder) {
      const found = folders.get(folder);
      if (found) return found;
      const names = [...texts.keys()]
        .filter((path) => dirname(path) === folder)
        .map((path) => path.slice(folder.length + 1))
        .sort();
      folders.set(folder, names);
      return names;
    },
  };
}

function readResult(texts: ReadonlyMap<Path, string>, path: Path, root: Path): ReadResult {
  if (!isInside(root, path)) return { ok: false, why: 'outside' };
  const text = texts.get(path);
  return text === undefined ? { ok: false, why: 'missing' } : readOf(text);
}

/** As the disk's reader gives a text that begins with a byte order mark. */
function readOf(text: string): ReadResult {
  return text.startsWith(MARK) ? { ok: true, text: unmarked(text), mark: 'utf-8' } : { ok: true, text };
}

const MARK = '\uFEFF';

function unmarked(text: string): string {
  return text.startsWith(MARK) ? text.slice(MARK.length) : text;
}
