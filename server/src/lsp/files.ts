import { basename } from '../core/paths';
import { type Path, type ReadResult, type SourceFile, StillFolder } from '../core/source';
import { parseSource } from '../core/syntax/parse';
import type { Encoding } from '../core/text/decode';
import {
  DISK,
  type Folders,
  type Listing,
  type Look,
  look,
  MISSING,
  NO_LINK,
  readDisk,
  readStamped,
  realPath,
} from './disk';
import type { OpenDocuments } from './documents';
import type { RemoteFiles } from './remote';
import { isOnDisk } from './uri';

/** Parsed files kept; more than this many are met only when a whole tree is checked, where none comes back. */
const MAX_CACHED_FILES = 2000;

/** Looks that are worth forgetting: those at some ten files and around them. */
const MANY = 256;

/** Saved forms of open documents kept. */
const MAX_CACHED_SAVED = 64;

/** A file at one moment. */
export interface FileState {
  /** Two states of a file with the same stamp are the same. */
  readonly stamp: string;
  readonly result: ReadResult;
  source?: SourceFile | undefined;
}

/** The files of a folder at one moment. */
export interface FolderState {
  readonly stamp: string;
  /** Sorted; empty when it cannot be listed. */
  readonly names: readonly string[];
}

const OUTSIDE: FileState = { stamp: 'outside', result: { ok: false, why: 'outside' } };
const NOWHERE: FileState = { stamp: MISSING.stamp, result: { ok: false, why: 'missing' } };

const NO_FOLDER: FolderState = { stamp: MISSING.stamp, names: [] };

interface Checked<T> {
  readonly turn: number;
  readonly value: T;
}

/**
 * Every file the server can see: open documents first, then the disk, or the client for files of virtual workspaces.
 * Within one turn a file is looked at once; the next turn looks again whether it has changed, so nothing depends on
 * the client's file watching.
 */
export class Files {
  private roots: readonly Path[] = [];
  private realRoots: readonly Path[] = [];
  private allowed: readonly Path[] = [];
  private turn = 0;
  private files = new Map<Path, FileState>();
  /** What this turn has shown to those who see the workspace folders. */
  private seen = new Map<Path, FileState>();
  private looks = new Map<Path, Checked<Look>>();
  private readonly savedFiles = new Map<Path, { readonly stamp: string; readonly source: SourceFile | undefined }>();
  private readonly marks = new Map<Path, { readonly stamp: string; readonly mark: Encoding | undefined }>();
  private folders = new Map<Path, FolderState>();
  private seenFolders = new Map<Path, FolderState>();
  /** Every name in folders of the workspace that were listed in a turn. */
  private listings = new Map<Path, Checked<Listing['names']>>();
  private realFolders = new Map<Path, Checked<Path | undefined>>();
  private stillFolders = new Map<Path, StillFolder>();

  constructor(
    private readonly documents: OpenDocuments,
    private readonly remote: RemoteFiles,
    /** Who has walked over the workspace just now has listed its folders already. */
    private readonly disk: Folders = DISK,
  ) {}

  /** `allowed`: files and folders outside the workspace that the user named on the command line. */
  open(roots: readonly Path[], allowed: readonly Path[]): void {
    this.roots = roots;
    this.realRoots = roots.map((root) => (isOnDisk(root) ? (realPath(root) ?? root) : root));
    this.allowed = allowed;
    this.nextTurn();
  }

  changeRoots(change: (roots: readonly Path[]) => readonly Path[]): void {
    this.open(change(this.roots), this.allowed);
  }

  /** Forgets what was seen to be unchanged: from now on each file is looked at again, once. */
  nextTurn(): void {
    this.turn++;
    this.seen = new Map();
    this.seenFolders = new Map();
    this.stillFolders = new Map();
    if (this.looks.size > 4 * MAX_CACHED_FILES) this.looks = new Map();
    if (this.realFolders.size > MAX_CACHED_FILES) this.realFolders = new Map();
    if (this.folders.size > MAX_CACHED_FILES) this.folders = new Map();
    if (this.listings.size > MAX_CACHED_FILES) this.listings = new Map();
  }

  /** Once much has gathered, forgets what lies neither in a folder nor in one above it. What lies above, every file below looks for. */
  forgetBeside(folder: Path): void {
    if (this.seen.size + this.looks.size + this.seenFolders.size < MANY) return;
    const isAbove = (path: Path): boolean => isWithin(folder, path);
    const liesAbove = (path: Path): boolean => isAbove(path) || (isAbove(folderOf(path)) && !this.folders.has(path));
    this.files = only(liesAbove, this.files);
    this.seen = only(liesAbove, this.seen);
    this.looks = only(liesAbove, this.looks);
    this.realFolders = only(isAbove, this.realFolders);
    this.seenFolders = only(isAbove, this.seenFolders);
    this.stillFolders = only(isAbove, this.stillFolders);
    this.listings = only(isAbove, this.listings);
    this.folders = only(isAbove, this.folders);
  }

  /** The workspace folders, or the folder of a file that is in none of them. */
  rootsFor(path: Path): readonly Path[] {
    return this.roots.some((root) => isWithin(path, root)) ? this.roots : [folderOf(path)];
  }

  /** Changes whenever what {@link read} gives changes. */
  stamp(path: Path): string {
    const document = this.documents.at(path);
    if (document) return `open:${document.edition}${this.markOf(path) ?? ''}`;
    return isOnDisk(path) ? this.look(path).stamp : this.remote.fileStamp(path);
  }

  /** Editors keep a byte order mark out of an open document, and write it again: whether there is one, the disk tells. */
  private markOf(path: Path): Encoding | undefined {
    if (!isOnDisk(path)) return undefined;
    const { stamp } = this.look(path);
    let known = this.marks.get(path);
    if (known?.stamp !== stamp) {
      const read = stamp === MISSING.stamp ? undefined : readDisk(path);
      known = { stamp, mark: read?.ok ? read.mark : undefined };
      if (this.marks.size > MAX_CACHED_SAVED) this.marks.clear();
      this.marks.set(path, known);
    }
    return known.mark;
  }

  private look(path: Path): Look {
    const seen = this.looks.get(path);
    if (seen?.turn === this.turn) return seen.value;
    const value = this.isNowhere(path) ? MISSING : look(path);
    this.looks.set(path, { turn: this.turn, value });
    return value;
  }

  /**
   * Whether what is known of its folder tells that nothing is at a path. A model's name is looked for as a folder beside each file and
   * above it, and so are scripts, manifests and settings: most of what is looked for is not there.
   */
  private isNowhere(path: Path): boolean {
    const folder = folderOf(path);
    // Nothing is around the root of the disk.
    if (folder === path || !this.roots.some((root) => isWithin(folder, root))) return false;
    return this.isUnlisted(path) || this.look(folder).stamp === MISSING.stamp;
  }

  folderStamp(folder: Path): string {
    return isOnDisk(folder) ? this.stamp(folder) : this.remote.folderStamp(folder);
  }

  /** A file as it is in this turn, for one who sees these roots. */
  at(path: Path, roots: readonly Path[]): FileState {
    const isShared = roots === this.roots;
    const known = isShared ? this.seen.get(path) : undefined;
    if (known) return known;
    const listed = isShared ? this.asListed(path) : undefined;
    const file = listed ?? (this.mayRead(path, roots) ? this.cached(path) : OUTSIDE);
    if (this.seen.size > MAX_CACHED_FILES) this.seen = new Map();
    if (isShared) this.seen.set(path, file);
    return file;
  }

  /** What its folder's listing tells without another look: that nothing is there, or a file that is no link and so lies where its folder does. */
  private asListed(path: Path): FileState | undefined {
    const folder = folderOf(path);
    const names = this.listings.get(folder);
    if (names?.turn !== this.turn || !names.value || this.documents.at(path)) return undefined;
    const isFile = names.value.get(basename(path));
    if (isFile === undefined) return NOWHERE;
    if (!isFile) return undefined;
    if (this.files.has(path)) return this.cached(path);
    const file: FileState = readStamped(path, NO_LINK);
    if (file.stamp === MISSING.stamp) return NOWHERE;
    // A link by now, or not to be opened: looked at as anything else.
    return file.result.ok || file.result.why !== 'unreadable' ? this.remember(path, file) : undefined;
  }

  /** The parsed form of a file that {@link at} gave. */
  parsed(path: Path, file: FileState): SourceFile | undefined {
    if (!file.result.ok) return undefined;
    file.source ??= this.parse(path, file.result.text);
    return file.source;
  }

  /** An open document as it was last saved; undefined where it has no unsaved changes, or no file on disk. */
  saved(path: Path): SourceFile | undefined {
    const document = this.documents.at(path);
    if (!document || !isOnDisk(path)) return undefined;
    const { stamp } = this.look(path);
    let known = this.savedFiles.get(path);
    if (known?.stamp !== stamp) {
      const read = stamp === MISSING.stamp ? undefined : readDisk(path);
      known = { stamp, source: read?.ok ? parseSource(path, read.text) : undefined };
      if (this.savedFiles.size > MAX_CACHED_SAVED) this.savedFiles.clear();
      this.savedFiles.set(path, known);
    }
    return known.source?.text === document.text ? undefined : known.source;
  }

  /** A folder as it is in this turn, for one who sees these roots. */
  folder(folder: Path, roots: readonly Path[]): FolderState {
    const isShared = roots === this.roots;
    const known = isShared ? this.seenFolders.get(folder) : undefined;
    if (known) return known;
    if (isShared && this.isUnlisted(folder)) return NO_FOLDER;
    const state = this.mayRead(folder, roots)
      ? this.listed(folder, isShared)
      : { stamp: this.folderStamp(folder), names: [] };
    if (this.seenFolders.size > MAX_CACHED_FILES) this.seenFolders = new Map();
    if (isShared) this.seenFolders.set(folder, state);
    return state;
  }

  /** Whether the folder around it was listed in this turn, and has nothing of this name. Most folders that are looked for are not there. */
  private isUnlisted(path: Path): boolean {
    const around = folderOf(path);
    const names = this.listings.get(around);
    return names?.turn === this.turn && names.value?.has(basename(path)) === false;
  }

  /** Stands for a folder until the next turn, for those who see the workspace folders. */
  still(folder: Path, roots: readonly Path[]): StillFolder | undefined {
    if (roots !== this.roots) return undefined;
    let found = this.stillFolders.get(folder);
    if (!found) {
      found = new StillFolder();
      if (this.stillFolders.size > MAX_CACHED_FILES) this.stillFolders = new Map();
      this.stillFolders.set(folder, found);
    }
    return found;
  }

  private listed(folder: Path, isShared: boolean): FolderState {
    if (!isOnDisk(folder)) return { names: this.remote.list(folder), stamp: this.remote.folderStamp(folder) };
    const stamp = this.stamp(folder);
    const known = this.folders.get(folder);
    if (known?.stamp === stamp) return known;
    const listing = stamp === MISSING.stamp ? undefined : this.disk.list(folder);
    const state = { stamp, names: listing?.files ?? [] };
    this.folders.set(folder, state);
    // Of the next turn it tells nothing: a folder can change twice within one tick of its clock.
    if (isShared) this.listings.set(folder, { turn: this.turn, value: listing?.names });
    return state;
  }

  private cached(path: Path): FileState {
    const stamp = this.stamp(path);
    if (stamp === MISSING.stamp) return NOWHERE;
    const known = this.files.get(path);
    if (known?.stamp === stamp) return known;
    return this.remember(path, { stamp, result: this.readNow(path) });
  }

  private remember(path: Path, file: FileState): FileState {
    this.files.delete(path);
    this.files.set(path, file);
    if (this.files.size > MAX_CACHED_FILES) {
      const [oldest] = this.files.keys();
      if (oldest !== undefined) this.files.delete(oldest);
    }
    return file;
  }

  private readNow(path: Path): ReadResult {
    const document = this.documents.at(path);
    if (document) return { ok: true, text: document.text, mark: this.markOf(path) };
    return isOnDisk(path) ? readDisk(path) : this.remote.read(path);
  }

  private parse(path: Path, text: string): SourceFile {
    const suffix = this.documents.at(path)?.missingExtension;
    if (!suffix) return parseSource(path, text);
    // An unsaved document has a language but no extension, by which the parser goes.
    return { ...parseSource(path + suffix, text), path };
  }

  private mayRead(path: Path, roots: readonly Path[]): boolean {
    if (this.allowed.some((allowed) => isWithin(path, allowed))) return true;
    if (!roots.some((root) => isWithin(path, root))) return false;
    // An open document's text comes from the editor, not from where a link may lead.
    if (!isOnDisk(path) || this.documents.at(path)) return true;
    const real = this.realPath(path);
    if (real === undefined) return true; // Nothing is there: reading says so.
    const realRoots = roots === this.roots ? this.realRoots : roots.map((root) => realPath(root) ?? root);
    return realRoots.some((root) => isWithin(real, root));
  }

  /** Where a path leads. Only links ask the disk: what is no link lies in its folder, and folders are looked at once a turn. */
  private realPath(path: Path): Path | undefined {
    const { stamp, isLink } = this.look(path);
    if (stamp === MISSING.stamp) return undefined;
    const folder = folderOf(path);
    if (isLink || folder === path) return realPath(path);
    const real = this.realFolder(folder);
    if (real === undefined) return undefined;
    return folder === '/' ? path : real + path.slice(folder.length);
  }

  private realFolder(folder: Path): Path | undefined {
    const seen = this.realFolders.get(folder);
    if (seen?.turn === this.turn) return seen.value;
    const root = this.roots.indexOf(folder);
    const isBelow = this.roots.some((other) => isWithin(folder, other));
    const value = root >= 0 ? this.realRoots[root] : isBelow ? this.realPath(folder) : realPath(folder);
    this.realFolders.set(folder, { turn: this.turn, value });
    return value;
  }
}

/**
 * A new map, and not the old one with entries deleted: the table that V8 leaves behind where a map shrinks or is cleared leads to the
 * next one, and so, once it has grown old, keeps alive all that ever stood in the map until the old are collected too.
 */
function only<T>(isWanted: (path: Path) => boolean, map: ReadonlyMap<Path, T>): Map<Path, T> {
  const kept = new Map<Path, T>();
  for (const [path, value] of map) if (isWanted(path)) kept.set(path, value);
  return kept;
}

/** True for the folder itself and all below it. */
function isWithin(path: Path, folder: Path): boolean {
  return (
    path.startsWith(folder) && (path.length === folder.length || folder.endsWith('/') || path[folder.length] === '/')
  );
}

function folderOf(path: Path): Path {
  const slash = path.lastIndexOf('/');
  if (slash < 0) return path; // `untitled:Untitled-1` is in no folder: it sees nothing but itself.
  return slash === 0 ? '/' : path.slice(0, slash);
}
