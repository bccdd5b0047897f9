import { availableParallelism } from 'node:os';
import { type MessagePort, parentPort, receiveMessageOnPort, Worker, workerData } from 'node:worker_threads';
import type { Path } from '../core/source';
import { type Client, type ClientOptions, startClient } from './client';
import { checkPart, type Part, type PartOptions } from './part';

/** Below this many files a further thread costs more than it brings. */
const FILES_PER_THREAD = 1000;

/** More threads than this wait for the disk. */
const MAX_THREADS = 8;

/** Files a thread takes at a time: enough to share what lies around them, few enough that the threads end together. */
const SLICE = 128;

/** What a thread is told to do. Slices come one by one while files are still being looked for; null is the last message. */
interface Job {
  readonly client: ClientOptions;
  readonly options: PartOptions;
  readonly state: Int32Array;
}

/** Places of the numbers that all threads share. */
const TAKEN = 0;
const FOUND = 1;

/** A slice that was checked: where its files stand among all of them. */
interface Checked {
  readonly slice: number;
  readonly part: Part;
}

/**
 * The threads of a check. Files are handed in as they are found; from some thousand on, further threads begin at once. Each is
 * a client with a server of its own; all take slices of neighbouring files until none is left, and the order of the answers
 * is that of the files.
 */
export class Threads {
  private readonly workers: { readonly worker: Worker; readonly checked: Promise<Checked[]> }[] = [];
  private readonly most = Math.min(availableParallelism(), MAX_THREADS);
  /** Slices taken, and slices found so far. */
  private readonly state = new Int32Array(new SharedArrayBuffer(8));
  private readonly slices: Path[][] = [];
  private files = 0;

  constructor(
    private readonly client: ClientOptions,
    private readonly options: PartOptions,
  ) {}

  /** A further file to check, in the order in which they are reported. */
  add(file: Path): void {
    const last = this.slices.at(-1);
    if (last && last.length < SLICE) last.push(file);
    else {
      if (last) this.hand(last);
      this.slices.push([file]);
    }
    this.files++;
    if (this.workers.length < Math.min(this.most, Math.floor(this.files / FILES_PER_THREAD)) - 1) this.start();
  }

  /** Checks all files that were added, on this thread with `own` and on those that were started. */
  async check(own: Client): Promise<Part[]> {
    const last = this.slices.at(-1);
    if (last) this.hand(last);
    for (const { worker } of this.workers) {
      worker.postMessage(null);
      worker.ref();
    }
    const parts: Part[] = [];
    const others = this.workers.map(({ checked }) => checked);
    const checked = await Promise.all([
      checkSlices(own, this.options, this.state, (slice) => this.slices[slice]),
      ...others,
    ]);
    for (const { slice, part } of checked.flat()) parts[slice] = part;
    return parts;
  }

  private start(): void {
    const worker = new Worker(__filename, { workerData: WORKER });
    // One that never gets work does not keep the process.
    worker.unref();
    const checked = new Promise<Checked[]>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`a checking thread ended with status ${code}`)));
    });
    // Whoever waits for it hears of a failure; until then nobody does.
    checked.catch(() => {});
    worker.postMessage({ client: this.client, options: this.options, state: this.state } satisfies Job);
    for (const slice of this.slices.slice(0, -1)) worker.postMessage(slice);
    this.workers.push({ worker, checked });
  }

  /** Gives a slice that is full to every thread: the first that is free takes it. */
  private hand(slice: readonly Path[]): void {
    for (const { worker } of this.workers) worker.postMessage(slice);
    Atomics.add(this.state, FOUND, 1);
    Atomics.notify(this.state, FOUND);
  }
}

const WORKER = 'shardlens check';

/** Takes slices until there are no more. `sliceAt` gives undefined for one beyond the last. */
async function checkSlices(
  client: Client,
  options: PartOptions,
  state: Int32Array,
  sliceAt: (slice: number) => readonly Path[] | undefined,
): Promise<Checked[]> {
  const checked: Checked[] = [];
  for (;;) {
    const slice = Atomics.add(state, TAKEN, 1);
    const paths = sliceAt(slice);
    if (!paths) return checked;
    checked.push({ slice, part: await checkPart(client, paths, options) });
  }
}

/** Whether this thread was started by {@link Threads}. */
export function isChecking(): boolean {
  return workerData === WORKER;
}

/** Waits for the job of this thread, does its part, and posts the results to the main thread. */
export function serveJob(): void {
  const port = parentPort;
  port?.once('message', ({ client, options, state }: Job) => {
    void startClient(client)
      .then((own) => checkSlices(own, options, state, slicesFrom(port, state)))
      .then((checked) => port.postMessage(checked));
  });
}

/** Reads slices from a port as they are needed, waiting for those that have not been found yet. */
function slicesFrom(port: MessagePort, state: Int32Array): (slice: number) => readonly Path[] | undefined {
  const slices: (readonly Path[])[] = [];
  let isComplete = false;
  return (slice) => {
    while (slices.length <= slice && !isComplete) {
      const found = Atomics.load(state, FOUND);
      const received = receiveMessageOnPort(port) as { message: readonly Path[] | null } | undefined;
      // The last message follows the last slice at once, so that a short wait does where nothing will be found any more.
      if (!received) Atomics.wait(state, FOUND, found, 5);
      else if (received.message) slices.push(received.message);
      else isComplete = true;
    }
    return slices[slice];
  };
}
