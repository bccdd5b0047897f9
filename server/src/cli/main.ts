import type { Connection } from '../lsp/connection';
import { ownCore } from '../lsp/own-core';
import { createServer } from '../lsp/server';
import { version } from '../version';
import { calibrate } from './calibrate';
import { check } from './check';
import { estimate } from './estimate';
import { explain } from './explain';
import { fit } from './fit';
import { hardware } from './hardware';
import { models } from './models';
import { complaint, HELP, status, UsageError } from './usage';

const COMMANDS: ReadonlyMap<string, (args: readonly string[]) => number | Promise<number>> = new Map(
  Object.entries({ calibrate, check, estimate, explain, fit, hardware, models }),
);

/**
 * Runs one command and gives its exit status; undefined for the language server, which ends by itself.
 * The library of the language server is loaded only for it: it takes longer than checking a file.
 */
export async function main(args: readonly string[]): Promise<number | undefined> {
  try {
    return await run(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(complaint(error.message));
    return status.usage;
  }
}

async function run([command, ...rest]: readonly string[]): Promise<number | undefined> {
  if (rest.includes('--help') && command !== undefined) return help();
  const own = COMMANDS.get(command ?? '');
  if (own) return own(rest);
  switch (command) {
    case 'lsp':
      return serve(rest);
    case '--version':
    case '-v':
      process.stdout.write(`${version}\n`);
      return status.ok;
    case '--help':
    case '-h':
    case 'help':
      return help();
    case undefined:
      process.stderr.write(HELP);
      return status.usage;
    default:
      throw new UsageError(`there is no command "${command}"; \`shardlens --help\` lists them.`);
  }
}

function help(): number {
  process.stdout.write(HELP);
  return status.ok;
}

async function serve(rest: readonly string[]): Promise<undefined> {
  // vscode-languageclient adds the client's process id; the initialize request tells it too.
  const flags = rest.filter((word) => !word.startsWith('--clientProcessId'));
  const [transport] = flags;
  const server = await import('../lsp/stdio');
  const start = (connection: Connection): void => createServer(connection, ownCore());
  if (flags.length === 1 && transport === '--stdio') server.serveStdio(start);
  else if (flags.length === 1 && transport === '--node-ipc' && process.send) server.serveIpc(start);
  else throw new UsageError('the language server speaks over standard input and output: `shardlens lsp --stdio`.');
}
