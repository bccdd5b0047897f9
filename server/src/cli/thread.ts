import { type MessagePort, parentPort, receiveMessageOnPort, Worker, workerData } from 'node:worker_threads';
import { THREAD } from '../thread-word';
import { startClient } from './client';
import { type Checked, checkSlices, FOUND, type Job, type Slice, SliceFolders } from './slices';

/** A thread that helps to check, as the one that started it sees it. */
export interface Thread {
  /** A further slice of files; null when there are no more, and the thread is to be waited for. */
  hand(slice: Slice | null): void;
  /** What it has checked, once it has been told that there is no more. */
  readonly checked: Promise<Checked[]>;
}

const WORKER = 'shardlens check';

/** Starts a thread on this same file. */
export function startThread(job: Job): Thread {
  const worker = new Worker(__filename, { workerData: WORKER, argv: [THREAD] });
  // One that never gets work does not keep the process.
  worker.unref();
  const checked = new Promise<Checked[]>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`a checking thread ended with status ${code}`)));
  });
  // Whoever waits for it hears of a failure; until then nobody does.
  checked.catch(() => {});
  worker.postMessage(job);
  return {
    hand(slice) {
      worker.postMessage(slice);
      if (slice === null) worker.ref();
    },
    checked,
  };
}

/** Whether this really is a thread that was started by {@link startThread}. */
export function isThread(): boolean {
  return workerData === WORKER;
}

/** Waits for the job of this thread, does its part, and posts the results to the main thread. */
export function serveJob(): void {
  const port = parentPort;
  port?.once('message', (job: Job) => {
    const folders = new SliceFolders();
    void startClient(job.client, folders)
      .then((own) => checkSlices(own, folders, job, slicesFrom(port, job.state)))
      .then((checked) => port.postMessage(checked));
  });
}

/** Reads slices from a port as they are needed, waiting for those that have not been found yet. */
function slicesFrom(port: MessagePort, state: Int32Array): (slice: number) => Slice | undefined {
  const slices: Slice[] = [];
  let isComplete = false;
  return (slice) => {
    while (slices.length <= slice && !isComplete) {
      const found = Atomics.load(state, FOUND);
      const received = receiveMessageOnPort(port) as { message: Slice | null } | undefined;
      // The last message follows the last slice at once, so that a short wait does where nothing will be found any more.
      if (!received) Atomics.wait(state, FOUND, found, 5);
      else if (received.message) slices.push(received.message);
      else isComplete = true;
    }
    return slices[slice];
  };
}
