import { isMainThread } from 'node:worker_threads';
import { main } from './cli/main';

// A reader that closes early (`shardlens check | head`) is no failure.
process.stdout.on('error', () => process.exit());
start().then(
  (status) => {
    // Not process.exit: what is written to a pipe must still get through.
    if (status !== undefined) process.exitCode = status;
  },
  (error: unknown) => {
    process.stderr.write(`shardlens: ${error instanceof Error ? error.message : String(error)}\n`);
    process.stderr.write('This is a bug in Shardlens, not in your files. SHARDLENS_DEBUG=1 shows where it happened.\n');
    if (process.env.SHARDLENS_DEBUG && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
    process.exitCode = 2;
  },
);

/** A thread of `check` runs this same file. */
async function start(): Promise<number | undefined> {
  if (isMainThread) return main(process.argv.slice(2));
  const { checkShare, ownShare } = await import('./cli/parallel');
  const share = ownShare();
  if (share) await checkShare(share);
  return undefined;
}
