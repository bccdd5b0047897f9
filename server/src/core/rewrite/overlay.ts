import { kept } from '../kept';
import type { Path, ReadResult, SourceFile, Workspace } from '../source';

/** Readers remember what they found in a result for as long as they are given the same one. */
const results = kept<SourceFile, ReadResult>();

/** The workspace with some of its files replaced by their changed form; what is changed later counts too. */
export function withSources(workspace: Workspace, sources: ReadonlyMap<Path, SourceFile>): Workspace {
  return {
    roots: workspace.roots,
    read(path) {
      const file = sources.get(path);
      return file ? resultOf(file) : workspace.read(path);
    },
    source: (path) => sources.get(path) ?? workspace.source(path),
    list: (folder) => workspace.list(folder),
  };
}

function resultOf(file: SourceFile): ReadResult {
  const result = results.get(file) ?? { ok: true, text: file.text };
  results.set(file, result);
  return result;
}
