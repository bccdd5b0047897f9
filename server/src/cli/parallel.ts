import { availableParallelism } from 'node:os';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import type { Path } from '../core/source';
import type { CheckedFile, CheckParams } from '../lsp/protocol';
import { type Client, type ClientOptions, startClient } from './client';

/** Below this many files a further thread costs more than it brings. */
const FILES_PER_THREAD = 1000;

/** More threads than this wait for the disk. */
const MAX_THREADS = 8;

type Options = Omit<CheckParams, 'uris'>;

interface Share {
  readonly shardlens: 'check';
  readonly paths: readonly Path[];
  readonly client: ClientOptions;
  readonly options: Options;
}

/**
 * Checks files on all processors when there are thousands. Each thread is a client with a server of its own and takes
 * neighbouring files, which share what lies around them; the order of the answers is that of the files.
 */
export async function checkInParallel(
  own: Client,
  paths: readonly Path[],
  client: ClientOptions,
  options: Options,
): Promise<readonly CheckedFile[]> {
  const threads = Math.min(availableParallelism(), MAX_THREADS, Math.floor(paths.length / FILES_PER_THREAD));
  if (threads < 2) return own.check(paths, options);
  const size = Math.ceil(paths.length / threads);
  const shares = Array.from({ length: threads }, (_, index) => paths.slice(index * size, (index + 1) * size));
  const [first = [], ...rest] = shares;
  const others = rest.map((share) => inWorker({ shardlens: 'check', paths: share, client, options }));
  const answers = await Promise.all([own.check(first, options), ...others]);
  return answers.flat();
}

function inWorker(share: Share): Promise<readonly CheckedFile[]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(__filename, { workerData: share });
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`a checking thread ended with status ${code}`)));
  });
}

/** The share of work this thread was started with; undefined in the main thread. */
export function ownShare(): Share | undefined {
  const data: unknown = workerData;
  return typeof data === 'object' && data !== null && 'shardlens' in data ? (data as Share) : undefined;
}

/** Checks this thread's share of the files and posts the results to the main thread. */
export async function checkShare({ client, paths, options }: Share): Promise<void> {
  const files = await (await startClient(client)).check(paths, options);
  parentPort?.postMessage(files);
}
