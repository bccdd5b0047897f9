import { availableParallelism } from 'node:os';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import type { Path } from '../core/source';
import type { CheckedFile, CheckParams } from '../lsp/protocol';
import { type Client, type ClientOptions, startClient } from './client';

/** Below this many files a further thread costs more than it brings. */
const FILES_PER_THREAD = 1000;

/** More threads than this wait for the disk. */
const MAX_THREADS = 8;

/** Files a thread takes at a time: enough to share what lies around them, few enough that the threads end together. */
const SLICE = 128;

type Options = Omit<CheckParams, 'uris'>;

/** What a thread is told to do. */
interface Job {
  readonly paths: readonly Path[];
  readonly client: ClientOptions;
  readonly options: Options;
  /** Number of the first slice that no thread has taken yet; shared by all. */
  readonly next: Int32Array;
}

/** A slice that was checked: where its files stand among all of them. */
interface Checked {
  readonly slice: number;
  readonly files: readonly CheckedFile[];
}

/**
 * The further threads of a check of thousands of files. Each is a client with a server of its own; all take slices of
 * neighbouring files until none is left, and the order of the answers is that of the files.
 */
export class Threads {
  private readonly workers: Worker[] = [];
  private readonly most = Math.min(availableParallelism(), MAX_THREADS);

  /** Starts the threads that this many files are worth: they get ready while further files are still being looked for. */
  prepare(files: number): void {
    const wanted = Math.min(this.most, Math.floor(files / FILES_PER_THREAD)) - 1;
    while (this.workers.length < wanted) {
      const worker = new Worker(__filename, { workerData: WORKER });
      // One that never gets work does not keep the process.
      worker.unref();
      this.workers.push(worker);
    }
  }

  /** Checks files on this thread and on all that were prepared. */
  async check(
    own: Client,
    paths: readonly Path[],
    client: ClientOptions,
    options: Options,
  ): Promise<readonly CheckedFile[]> {
    this.prepare(paths.length);
    if (this.workers.length === 0) return own.check(paths, options);
    const job: Job = { paths, client, options, next: new Int32Array(new SharedArrayBuffer(4)) };
    const others = this.workers.map((worker) => inWorker(worker, job));
    const slices: (readonly CheckedFile[])[] = [];
    const checked = await Promise.all([checkSlices(own, job), ...others]);
    for (const { slice, files } of checked.flat()) slices[slice] = files;
    return slices.flat();
  }
}

const WORKER = 'shardlens check';

async function checkSlices(client: Client, { paths, options, next }: Job): Promise<Checked[]> {
  const checked: Checked[] = [];
  for (;;) {
    const slice = Atomics.add(next, 0, 1);
    const start = slice * SLICE;
    if (start >= paths.length) return checked;
    checked.push({ slice, files: await client.check(paths.slice(start, start + SLICE), options) });
  }
}

function inWorker(worker: Worker, job: Job): Promise<Checked[]> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`a checking thread ended with status ${code}`)));
    worker.ref();
    worker.postMessage(job);
  });
}

/** Whether this thread was started by {@link Threads}. */
export function isChecking(): boolean {
  return workerData === WORKER;
}

/** Waits for the job of this thread, does its part, and posts the results to the main thread. */
export function serveJob(): void {
  const port = parentPort;
  port?.once('message', (job: Job) => {
    void startClient(job.client)
      .then((client) => checkSlices(client, job))
      .then((checked) => port.postMessage(checked));
  });
}
