import type { Path, ReadResult, SourceFile, Workspace } from '../core/source';
import type { Files } from './files';

/**
 * The files as one analysis sees them. It notes what was looked at, so that the analysis can be used again exactly as
 * long as nothing it saw has changed.
 */
export class TrackedWorkspace implements Workspace {
  readonly roots: readonly Path[];
  /** True when a file was asked for that has not come from the client yet. */
  sawPending = false;
  private readonly seenFiles = new Map<Path, string>();
  private readonly seenFolders = new Map<Path, string>();

  constructor(
    private readonly files: Files,
    readonly path: Path,
  ) {
    this.roots = files.rootsFor(path);
  }

  read(path: Path): ReadResult {
    const result = this.files.read(path, this.roots);
    this.note(path);
    if (!result.ok && result.why === 'pending') this.sawPending = true;
    return result;
  }

  source(path: Path): SourceFile | undefined {
    const result = this.read(path);
    return result.ok ? this.files.source(path, this.roots) : undefined;
  }

  list(folder: Path): readonly string[] {
    const names = this.files.list(folder, this.roots);
    if (!this.seenFolders.has(folder)) this.seenFolders.set(folder, this.files.folderStamp(folder));
    return names;
  }

  /** True while every file and folder looked at is as it was. */
  isFresh(): boolean {
    if (!sameRoots(this.files.rootsFor(this.path), this.roots)) return false;
    for (const [path, stamp] of this.seenFiles) if (this.files.stamp(path) !== stamp) return false;
    for (const [folder, stamp] of this.seenFolders) if (this.files.folderStamp(folder) !== stamp) return false;
    return true;
  }

  private note(path: Path): void {
    if (!this.seenFiles.has(path)) this.seenFiles.set(path, this.files.stamp(path));
  }
}

function sameRoots(a: readonly Path[], b: readonly Path[]): boolean {
  return a.length === b.length && a.every((root, index) => root === b[index]);
}
