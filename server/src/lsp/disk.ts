import { isAscii } from 'node:buffer';
import {
  closeSync,
  constants,
  type Dirent,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  type Stats,
  statSync,
} from 'node:fs';
import type { Path, ReadResult } from '../core/source';
import { decode } from '../core/text/decode';

/** Larger files are not configs; reading them would cost seconds. The same for every reader. */
export const MAX_FILE_BYTES = 8 * 1024 * 1024;

/** Folders with more files than this are data sets; their names are not needed to join a run. */
const MAX_FOLDER_NAMES = 10_000;

/** What is at a path now. */
export interface Look {
  /** Tells one state of a file from another; `missing` where there is none. */
  readonly stamp: string;
  /** The path itself is a symbolic link. */
  readonly isLink: boolean;
}

/** One look at a path, without reading what is there. */
export function look(path: Path): Look {
  try {
    const own = lstatSync(path, { throwIfNoEntry: false });
    if (!own) return MISSING;
    const isLink = own.isSymbolicLink();
    const stat = isLink ? statSync(path, { throwIfNoEntry: false }) : own;
    return { stamp: stat ? stampOf(stat) : MISSING.stamp, isLink };
  } catch {
    return { stamp: UNREADABLE_STAMP, isLink: false };
  }
}

function stampOf({ mtimeMs, size, ino }: Stats): string {
  return `${mtimeMs}:${size}:${ino}`;
}

const UNREADABLE_STAMP = 'unreadable';

/** Nothing is there. */
export const MISSING: Look = { stamp: 'missing', isLink: false };

/** Files up to this size are read into one and the same place: new memory costs more than reading. */
const SHARED_BYTES = 64 * 1024;
const shared = Buffer.allocUnsafeSlow(SHARED_BYTES);

/** Reads the text of a regular file; pipes and devices, which could block, are refused. */
export function readDisk(path: Path): ReadResult {
  return readStamped(path).result;
}

/** For a file that was seen to be no link: one that took its place since is not followed. */
export const NO_LINK = constants.O_NOFOLLOW ?? 0;

/** A file's text, with the stamp that {@link look} gives for the file that was read. `flags`: more of those that open it. */
export function readStamped(path: Path, flags = 0): { readonly stamp: string; readonly result: ReadResult } {
  let descriptor: number;
  try {
    // Without blocking: opening a pipe would wait for its writer.
    descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | flags);
  } catch (error) {
    return isMissing(error)
      ? { stamp: MISSING.stamp, result: { ok: false, why: 'missing' } }
      : { stamp: UNREADABLE_STAMP, result: UNREADABLE };
  }
  let stamp = UNREADABLE_STAMP;
  try {
    const stat = fstatSync(descriptor);
    stamp = stampOf(stat);
    return { stamp, result: stat.isFile() ? textIn(descriptor, stat.size) : UNREADABLE };
  } catch {
    return { stamp, result: UNREADABLE };
  } finally {
    closeSync(descriptor);
  }
}

function textIn(descriptor: number, size: number): ReadResult {
  if (size > MAX_FILE_BYTES) return { ok: false, why: 'too-large' };
  const bytes = size > SHARED_BYTES ? Buffer.allocUnsafe(size) : shared;
  let length = 0;
  while (length < size) {
    const count = readSync(descriptor, bytes, length, size - length, length);
    if (count === 0) break;
    length += count;
  }
  return textOf(bytes.subarray(0, length));
}

const UNREADABLE: ReadResult = { ok: false, why: 'unreadable' };

/** A file's bytes as the core reads them. */
export function textOf(bytes: Uint8Array): ReadResult {
  const ascii = asciiOf(bytes);
  if (ascii !== undefined) return { ok: true, text: ascii };
  const decoded = decode(bytes);
  if (decoded.ok) return { ok: true, text: decoded.text, mark: decoded.bom ? decoded.encoding : undefined };
  return { ok: false, why: decoded.why === 'encoding' ? 'binary' : decoded.why };
}

/**
 * The text of bytes that are plain ASCII, as nearly all configs are. V8 keeps it in one byte a character, where the decoder of
 * Node 20 makes two of each: half the memory, and searching it is many times faster.
 */
function asciiOf(bytes: Uint8Array): string | undefined {
  if (bytes.length > MAX_FILE_BYTES || !isAscii(bytes) || bytes.includes(0)) return undefined;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

/** What a folder holds. */
export interface Listing {
  /** Names of its files, links included, sorted by UTF-16 unit. */
  readonly files: readonly string[];
  /**
   * Every name in it, folders too, and whether it is a file that is no link; undefined where a name that is not among them may lead
   * somewhere all the same.
   */
  readonly names: ReadonlyMap<string, boolean> | undefined;
}

/** Elsewhere a file answers to names that differ in case or in how their letters are composed. */
const NAMES_ARE_EXACT = process.platform === 'linux';

/** Lists a folder; one that cannot be listed is empty. */
export function listDisk(folder: Path): Listing {
  try {
    return listingOf(readdirSync(folder, { withFileTypes: true }));
  } catch {
    return { files: [], names: undefined };
  }
}

/** Who lists folders: the disk, or one who has walked over it just now. */
export interface Folders {
  list(folder: Path): Listing;
}

export const DISK: Folders = { list: listDisk };

/** The listing of a folder that has these entries. */
export function listingOf(entries: readonly Dirent[]): Listing {
  const files: string[] = [];
  for (const entry of entries) {
    if (entry.isFile() || entry.isSymbolicLink()) files.push(entry.name);
    if (files.length === MAX_FOLDER_NAMES) break;
  }
  return { files: files.sort(), names: NAMES_ARE_EXACT ? namesOf(entries) : undefined };
}

function namesOf(entries: readonly Dirent[]): ReadonlyMap<string, boolean> {
  const names = new Map<string, boolean>();
  for (const entry of entries) names.set(entry.name, entry.isFile());
  return names;
}

/** Where a path really leads, symbolic links resolved; undefined where nothing is there. */
export function realPath(path: Path): Path | undefined {
  try {
    return realpathSync.native(path).replaceAll('\\', '/');
  } catch {
    return undefined;
  }
}

function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
