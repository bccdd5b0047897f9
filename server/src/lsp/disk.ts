import { isAscii } from 'node:buffer';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
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
    return stat ? { stamp: `${stat.mtimeMs}:${stat.size}:${stat.ino}`, isLink } : { stamp: MISSING.stamp, isLink };
  } catch {
    return { stamp: 'unreadable', isLink: false };
  }
}

/** Nothing is there. */
export const MISSING: Look = { stamp: 'missing', isLink: false };

/** Files up to this size are read into one and the same place: new memory costs more than reading. */
const SHARED_BYTES = 64 * 1024;
const shared = Buffer.allocUnsafeSlow(SHARED_BYTES);

/** Reads the text of a regular file; pipes and devices, which could block, are refused. */
export function readDisk(path: Path): ReadResult {
  let descriptor: number;
  try {
    // Without blocking: opening a pipe would wait for its writer.
    descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    return { ok: false, why: isMissing(error) ? 'missing' : 'unreadable' };
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) return UNREADABLE;
    const { size } = stat;
    if (size > MAX_FILE_BYTES) return { ok: false, why: 'too-large' };
    const bytes = size > SHARED_BYTES ? Buffer.allocUnsafe(size) : shared;
    let length = 0;
    while (length < size) {
      const count = readSync(descriptor, bytes, length, size - length, length);
      if (count === 0) break;
      length += count;
    }
    return textOf(bytes.subarray(0, length));
  } catch {
    return UNREADABLE;
  } finally {
    closeSync(descriptor);
  }
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
  /** Every name in it, folders too; undefined where a name that is not among them may lead somewhere all the same. */
  readonly names: ReadonlySet<string> | undefined;
}

/** Elsewhere a file answers to names that differ in case or in how their letters are composed. */
const NAMES_ARE_EXACT = process.platform === 'linux';

/** Lists a folder; one that cannot be listed is empty. */
export function listDisk(folder: Path): Listing {
  try {
    const files: string[] = [];
    const entries = readdirSync(folder, { withFileTypes: true });
    for (const entry of entries) {
      if (entry.isFile() || entry.isSymbolicLink()) files.push(entry.name);
      if (files.length === MAX_FOLDER_NAMES) break;
    }
    return { files: files.sort(), names: NAMES_ARE_EXACT ? new Set(entries.map(({ name }) => name)) : undefined };
  } catch {
    return { files: [], names: undefined };
  }
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
