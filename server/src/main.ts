import { isMainThread } from 'node:worker_threads';
import { main } from './cli/main';

// A reader that closes early (`shardlens check | head`) is no failure.
process.stdout.on('error', () => process.exit());
start().then(
  (status) => {
    if (status !== undefined) end(status);
  },
  (error: unknown) => {
    process.stderr.write(`shardlens: ${error instanceof Error ? error.message : String(error)}\n`);
    process.stderr.write('This is a bug in Shardlens, not in your files. SHARDLENS_DEBUG=1 shows where it happened.\n');
    if (process.env.SHARDLENS_DEBUG && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
    process.exitCode = 2;
  },
);

/** Once all that was written is through its pipe: then nothing is left to do, and Node need not take its heap apart. */
function end(status: number): void {
  process.exitCode = status;
  process.stdout.write('', () => process.stderr.write('', () => process.exit()));
}

/** A thread of `check` runs this same file. */
async function start(): Promise<number | undefined> {
  if (isMainThread) return main(process.argv.slice(2));
  const { isChecking, serveJob } = await import('./cli/parallel');
  if (isChecking()) serveJob();
  return undefined;
}
