import { fstatSync, writeSync } from 'node:fs';
import { status } from './usage';

const STDOUT = 1;

/** Whether text was handed to Node's stream, which may still be writing it. */
let isStreaming = false;
let hasComplained = false;

/**
 * Writes to standard output. A pipe or a file is written to at once: making Node's stream for it takes longer than many a check.
 * A terminal gets the stream, which knows how Windows' consoles spell text.
 */
export function print(text: string): void {
  if (isStreaming || isTerminal()) {
    stream(text);
    return;
  }
  const bytes = Buffer.from(text);
  let written = 0;
  try {
    while (written < bytes.length) written += writeSync(STDOUT, bytes, written);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A pipe that is full, and that its maker has set not to wait.
    if (code === 'EAGAIN') stream(bytes.subarray(written));
    else lost(code);
  }
}

/** Whether people look at what is printed. */
export function isTerminal(): boolean {
  try {
    return fstatSync(STDOUT).isCharacterDevice() && process.stdout.isTTY === true;
  } catch {
    return false; // Closed from the start: writing says so.
  }
}

/** Writes to standard error. */
export function printError(text: string): void {
  hasComplained = true;
  process.stderr.write(text);
}

/** Calls back once all that was printed is through. */
export function whenPrinted(done: () => void): void {
  const complained = hasComplained ? () => process.stderr.write('', () => done()) : done;
  if (isStreaming) process.stdout.write('', () => complained());
  else complained();
}

function stream(text: string | Uint8Array): void {
  if (!isStreaming) process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => lost(code));
  isStreaming = true;
  process.stdout.write(text);
}

/** A reader that closes early (`shardlens check | head`) is no failure; a disk that is full is one. */
function lost(code: string | undefined): never {
  if (code === 'EPIPE') process.exit();
  process.stderr.write(`shardlens: the output cannot be written (${code ?? 'unknown error'}).\n`);
  process.exit(status.usage);
}
