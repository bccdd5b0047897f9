import type { Path, ReadResult, SourceFile, Workspace } from '../core/source';
import type { FileState, Files, FolderState } from './files';

/**
 * The files as one analysis sees them: each as it was at the first look. It notes what was looked at, so that the analysis can
 * be used again exactly as long as nothing it saw has changed.
 */
export class TrackedWorkspace implements Workspace {
  readonly roots: readonly Path[];
  /** True when a file was asked for that has not come from the client yet. */
  sawPending = false;
  private readonly seenFiles = new Map<Path, FileState>();
  private readonly seenFolders = new Map<Path, FolderState>();

  constructor(
    private readonly files: Files,
    readonly path: Path,
  ) {
    this.roots = files.rootsFor(path);
  }

  read(path: Path): ReadResult {
    return this.look(path).result;
  }

  source(path: Path): SourceFile | undefined {
    return this.files.parsed(path, this.look(path));
  }

  list(folder: Path): readonly string[] {
    let state = this.seenFolders.get(folder);
    if (!state) {
      state = this.files.folder(folder, this.roots);
      this.seenFolders.set(folder, state);
    }
    return state.names;
  }

  /** True while every file and folder looked at is as it was. */
  isFresh(): boolean {
    if (!sameRoots(this.files.rootsFor(this.path), this.roots)) return false;
    for (const [path, { stamp }] of this.seenFiles) if (this.files.at(path, this.roots).stamp !== stamp) return false;
    for (const [folder, { stamp }] of this.seenFolders) if (this.files.folderStamp(folder) !== stamp) return false;
    return true;
  }

  private look(path: Path): FileState {
    const seen = this.seenFiles.get(path);
    if (seen) return seen;
    const file = this.files.at(path, this.roots);
    this.seenFiles.set(path, file);
    if (!file.result.ok && file.result.why === 'pending') this.sawPending = true;
    return file;
  }
}

function sameRoots(a: readonly Path[], b: readonly Path[]): boolean {
  return a.length === b.length && a.every((root, index) => root === b[index]);
}
