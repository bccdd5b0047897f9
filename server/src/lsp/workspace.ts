import type { Path, ReadResult, SourceFile, StillFolder, Workspace } from '../core/source';
import type { FileState, Files, FolderState } from './files';

/** The files as they are in this turn: for an analysis that is kept nowhere. */
export class TurnWorkspace implements Workspace {
  readonly roots: readonly Path[];

  constructor(
    protected readonly files: Files,
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
    return this.lookInto(folder).names;
  }

  still(folder: Path): StillFolder | undefined {
    return this.files.still(folder, this.roots);
  }

  protected look(path: Path): FileState {
    return this.files.at(path, this.roots);
  }

  protected lookInto(folder: Path): FolderState {
    return this.files.folder(folder, this.roots);
  }
}

/**
 * The files as one analysis sees them: each as it was at the first look. It notes what was looked at, so that the analysis can
 * be used again exactly as long as nothing it saw has changed.
 */
export class TrackedWorkspace extends TurnWorkspace {
  /** True when a file was asked for that has not come from the client yet. */
  sawPending = false;
  private readonly seenFiles = new Map<Path, FileState>();
  private readonly seenFolders = new Map<Path, FolderState>();

  /** True while every file and folder looked at is as it was. */
  isFresh(): boolean {
    if (!sameRoots(this.files.rootsFor(this.path), this.roots)) return false;
    for (const [path, { stamp }] of this.seenFiles) if (this.files.at(path, this.roots).stamp !== stamp) return false;
    for (const [folder, { stamp }] of this.seenFolders) if (this.files.folderStamp(folder) !== stamp) return false;
    return true;
  }

  override still(): undefined {
    return undefined;
  }

  protected override look(path: Path): FileState {
    const seen = this.seenFiles.get(path);
    if (seen) return seen;
    const file = super.look(path);
    this.seenFiles.set(path, file);
    if (!file.result.ok && file.result.why === 'pending') this.sawPending = true;
    return file;
  }

  protected override lookInto(folder: Path): FolderState {
    let state = this.seenFolders.get(folder);
    if (!state) {
      state = super.lookInto(folder);
      this.seenFolders.set(folder, state);
    }
    return state;
  }
}

function sameRoots(a: readonly Path[], b: readonly Path[]): boolean {
  return a.length === b.length && a.every((root, index) => root === b[index]);
}
