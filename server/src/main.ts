import { main } from './cli/main';
import { printError, whenPrinted } from './cli/output';
import { saysThread } from './thread-word';

start().then(
  (status) => {
    if (status !== undefined) end(status);
  },
  (error: unknown) => {
    printError(`shardlens: ${error instanceof Error ? error.message : String(error)}\n`);
    printError('This is a bug in Shardlens, not in your files. SHARDLENS_DEBUG=1 shows where it happened.\n');
    if (process.env.SHARDLENS_DEBUG && error instanceof Error) printError(`${error.stack ?? ''}\n`);
    process.exitCode = 2;
  },
);

/** Once all that was written is through its pipe: then nothing is left to do, and Node need not take its heap apart. */
function end(status: number): void {
  process.exitCode = status;
  whenPrinted(() => process.exit());
}

/** A thread of `check` runs this same file. */
async function start(): Promise<number | undefined> {
  if (!saysThread()) return main(process.argv.slice(2));
  const { isThread, serveJob } = await import('./cli/thread');
  if (!isThread()) return main(process.argv.slice(2));
  serveJob();
  return undefined;
}
