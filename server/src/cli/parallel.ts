import type { Dirent } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname } from '../core/paths';
import type { Path } from '../core/source';
import { listingOf } from '../lsp/disk';
import type { Client, ClientOptions } from './client';
import type { Part, PartOptions } from './part';
import { checkSlices, FOUND, type Slice, type SliceFolders } from './slices';
import { startThread, type Thread } from './thread';

/** Below this many files a further thread costs more than it brings. */
const FILES_PER_THREAD = 1000;

/** More threads than this wait for the disk. */
const MAX_THREADS = 8;

/** Files a thread takes at a time: enough to share what lies around them, few enough that the threads end together. */
const SLICE = 128;

/**
 * The threads of a check. Files are handed in as they are found; from some thousand on, further threads begin at once. Each is
 * a client with a server of its own; all take slices of neighbouring files until none is left, and the order of the answers
 * is that of the files.
 */
export class Threads {
  private readonly threads: Thread[] = [];
  private readonly most = Math.min(availableParallelism(), MAX_THREADS);
  /** Slices taken, and slices found so far. */
  private readonly state = new Int32Array(new SharedArrayBuffer(8));
  private readonly slices: Slice[] = [];
  private files = 0;

  constructor(
    private readonly client: ClientOptions,
    private readonly options: PartOptions,
  ) {}

  /** A further file to check, in the order in which they are reported; `entries` is what its folder holds, where that is known. */
  add(file: Path, entries?: readonly Dirent[]): void {
    let last = this.slices.at(-1);
    if (!last || last.paths.length === SLICE) {
      if (last) this.hand(last);
      last = { paths: [], listings: new Map() };
      this.slices.push(last);
    }
    last.paths.push(file);
    // What a folder of thousands holds would go with each of its many slices: threads list such a folder themselves, once.
    if (entries && entries.length <= SLICE) {
      const folder = dirname(file);
      if (!last.listings.has(folder)) last.listings.set(folder, listingOf(entries));
    }
    this.files++;
    if (this.threads.length < Math.min(this.most, Math.floor(this.files / FILES_PER_THREAD)) - 1) this.start();
  }

  /** Checks all files that were added, on this thread with `client` and on those that were started. */
  async check(client: Client, folders: SliceFolders): Promise<Part[]> {
    const last = this.slices.at(-1);
    if (last) this.hand(last);
    for (const thread of this.threads) thread.hand(null);
    const parts: Part[] = [];
    const own = { options: this.options, state: this.state };
    const checked = await Promise.all([
      checkSlices(client, folders, own, (slice) => this.slices[slice]),
      ...this.threads.map((thread) => thread.checked),
    ]);
    for (const { slice, part } of checked.flat()) parts[slice] = part;
    return parts;
  }

  private start(): void {
    const thread = startThread({ client: this.client, options: this.options, state: this.state });
    for (const slice of this.slices.slice(0, -1)) thread.hand(slice);
    this.threads.push(thread);
  }

  /** Gives a slice that is full to every thread: the first that is free takes it. */
  private hand(slice: Slice): void {
    for (const thread of this.threads) thread.hand(slice);
    Atomics.add(this.state, FOUND, 1);
    Atomics.notify(this.state, FOUND);
  }
}
