/**
 * The head of `dist/shardlens.js`. Compiling the bundle takes longer than checking a file, so V8's compiled form of it is
 * kept in the user's cache folder. `scripts/launched.mjs` puts the bundle behind this code, in a comment, which V8 skips;
 * this code compiles it, from the kept form where there is one. Nothing here may fail: without a cache all works, slower.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { cachedDataVersionTag, getHeapCodeStatistics, setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';
import * as zlib from 'node:zlib';
import { saysThread } from './thread-word';

/** A hash of the bundle, put in by the build. */
declare const BUNDLE_ID: string;

/** The function that Node has made of this file, put in by the build: its text is that of the file, already read. */
declare const MODULE: (...args: never) => unknown;

/** Code compiled beyond what was kept by this share is worth keeping: another command has run. */
const WORTH_KEEPING = 1.02;

/** What the comment starts with, spelt so that it is not found here. */
const START = ['/*', '!'].join('');

/** Files kept: for each Node and editor that takes turns with this version its commands and its server, and little of the versions before. */
const MOST_FILES = 6;

/** Bytes before the compiled code: its size in memory, and its checksum. */
const HEAD_BYTES = 8;

/**
 * V8 trusts what it is given, and would crash on a file that a failing disk has changed. undefined before Node 20.15, which
 * has no quick checksum; the types at hand do not know it either.
 */
const { crc32: checksum } = zlib as { crc32?: (data: Buffer) => number };

interface Kept {
  /** Bytes of compiled code when it was kept. */
  readonly codeBytes: number;
  readonly data: Buffer;
  readonly isYoung: boolean;
}

/**
 * How V8 runs a command, which is over before V8's own choices pay. Measured under Node 20, whose V8 is 11; others work by other
 * rules, and V8 complains aloud of a flag that it does not have.
 */
const MEASURED_V8 = /^11\./;
const COMMAND_FLAGS = [
  // V8 optimises a function that has run this many bytes of bytecode: six times its own number. A command runs hundreds of
  // functions some thousand times each, and as many processors as there are check files: compiling took a fifth of the time of
  // 10,000 files, and brought less.
  '--interrupt-budget=400000',
  // Functions are compiled with less of what they call: a seventh less time for 10,000 files and a fifth for 20,000, since compiling
  // takes as long as what it puts into one function is large.
  '--max-inlined-bytecode-size-cumulative=150',
  '--max-inlined-bytecode-size=100',
  // The young generation begins with half a megabyte, and a check of one file fills it four times: an eighth of a cold start
  // went into collecting. Now it grows at once where it was too small, and that of a further thread begins grown.
  '--semi-space-growth-factor=32',
  '--min-semi-space-size=16',
];

/** Asking V8 how much it has compiled takes a millisecond, and rarely brings anything new. */
const LOOK_AT_ONE_RUN_OF = 8;

/** Just after something was kept, each run is looked at: whoever runs one command runs the next. */
const YOUNG_MS = 3000;

launch();

function launch(): void {
  // Before the cache is looked for: compiled code is kept for the flags it was compiled under. Threads share the flags.
  const isThread = saysThread();
  const isCommand = !isThread && process.argv[2] !== 'lsp';
  if (isCommand && MEASURED_V8.test(process.versions.v8)) for (const flag of COMMAND_FLAGS) setFlagsFromString(flag);
  const file = cacheFile();
  const kept = file === undefined ? undefined : read(file);
  const script = new Script(bundle(), { filename: __filename, ...(kept && { cachedData: kept.data }) });
  const isStale = !kept || script.cachedDataRejected === true;
  if (file !== undefined && !isThread && (isStale || kept.isYoung || process.pid % LOOK_AT_ONE_RUN_OF === 0)) {
    process.once('exit', () => keep(file, script, isStale ? 0 : kept.codeBytes));
  }
  script.runInThisContext()(exports, require, module, __filename, path.dirname(__filename));
}

/** The bundle: a function of what Node gives a module. */
function bundle(): string {
  const own = String(MODULE);
  // A loader of another kind may hide the text of what it runs.
  const text = own.includes(START) ? own : readFileSync(__filename, 'latin1');
  return text.slice(text.indexOf(START) + START.length, text.lastIndexOf('*/')).replaceAll('*\x01/', '*/');
}

/** One file for each bundle and each V8 with its flags and processor; undefined where the user wants none, or has no folder for it. */
function cacheFile(): string | undefined {
  const { SHARDLENS_NO_CACHE, NODE_DISABLE_COMPILE_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (!checksum || SHARDLENS_NO_CACHE || NODE_DISABLE_COMPILE_CACHE) return undefined;
  try {
    const caches = (process.platform === 'win32' ? LOCALAPPDATA : XDG_CACHE_HOME) || path.join(homedir(), '.cache');
    if (!path.isAbsolute(caches)) return undefined;
    return path.join(caches, 'shardlens', `${BUNDLE_ID}-${cachedDataVersionTag()}`);
  } catch {
    return undefined;
  }
}

/** Compiled code is code: what another user left there is not run. */
function read(file: string): Kept | undefined {
  try {
    const handle = openSync(file, 'r');
    try {
      const { uid, mtimeMs } = fstatSync(handle);
      if (process.getuid && uid !== process.getuid()) return undefined;
      const isYoung = Math.abs(Date.now() - mtimeMs) < YOUNG_MS;
      const bytes = readFileSync(handle);
      const data = bytes.subarray(HEAD_BYTES);
      return bytes.readUInt32LE(4) === checksum?.(data)
        ? { codeBytes: bytes.readUInt32LE(0), data, isYoung }
        : undefined;
    } finally {
      closeSync(handle);
    }
  } catch {
    return undefined;
  }
}

function keep(file: string, script: Script, knownBytes: number): void {
  try {
    const { bytecode_and_metadata_size: codeBytes } = getHeapCodeStatistics();
    if (codeBytes < knownBytes * WORTH_KEEPING) return;
    const data = script.createCachedData();
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeUInt32LE(codeBytes, 0);
    head.writeUInt32LE(checksum?.(data) ?? 0, 4);
    makeFolders(path.dirname(file));
    const unfinished = `${file}.${process.pid}`;
    writeFileSync(unfinished, Buffer.concat([head, data]), { mode: 0o600 });
    renameSync(unfinished, file);
    removeOldest(path.dirname(file));
  } catch {
    // A home that cannot be written to is no fault of the run.
  }
}

/** Not mkdir's own `recursive`, which never ends in Node 20 where a part of the path is a device. */
function makeFolders(folder: string): void {
  for (const part of [path.dirname(folder), folder]) {
    if (!existsSync(part)) mkdirSync(part, { mode: 0o700 });
  }
}

function removeOldest(folder: string): void {
  const files = readdirSync(folder).map((name) => path.join(folder, name));
  const newestFirst = files.map((file) => ({ file, at: statSync(file).mtimeMs })).sort((a, b) => b.at - a.at);
  for (const { file } of newestFirst.slice(MOST_FILES)) rmSync(file, { force: true });
}
