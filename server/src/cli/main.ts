import type { Connection } from '../lsp/connection';
import { version } from '../version';
import { print, printError } from './output';
import { complaint, HELP, status, UsageError } from './usage';

const COMMANDS: ReadonlyMap<string, (args: readonly string[]) => Promise<number>> = new Map(
  Object.entries({
    calibrate: async (args: readonly string[]) => (await import('./calibrate')).calibrate(args),
    check: async (args: readonly string[]) => (await import('./check')).check(args),
    estimate: async (args: readonly string[]) => (await import('./estimate')).estimate(args),
    explain: async (args: readonly string[]) => (await import('./explain')).explain(args),
    fit: async (args: readonly string[]) => (await import('./fit')).fit(args),
    hardware: async (args: readonly string[]) => (await import('./hardware')).hardware(args),
    models: async (args: readonly string[]) => (await import('./models')).models(args),
  }),
);

/**
 * Runs one command and gives its exit status; undefined for the language server, which ends by itself.
 * Each command is loaded when it is asked for, so that none waits for the others; so is the library of the language server.
 */
export async function main(args: readonly string[]): Promise<number | undefined> {
  try {
    return await run(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    printError(complaint(error.message));
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
      print(`${version}\n`);
      return status.ok;
    case '--help':
    case '-h':
    case 'help':
      return help();
    case undefined:
      printError(HELP);
      return status.usage;
    default:
      throw new UsageError(`there is no command "${command}"; \`shardlens --help\` lists them.`);
  }
}

function help(): number {
  print(HELP);
  return status.ok;
}

async function serve(rest: readonly string[]): Promise<undefined> {
  // vscode-languageclient adds the client's process id; the initialize request tells it too.
  const flags = rest.filter((word) => !word.startsWith('--clientProcessId'));
  const [transport] = flags;
  const server = await import('../lsp/stdio');
  const { createServer } = await import('../lsp/server');
  const { ownCore } = await import('../lsp/own-core');
  const start = (connection: Connection): void => createServer(connection, ownCore());
  if (flags.length === 1 && transport === '--stdio') server.serveStdio(start);
  else if (flags.length === 1 && transport === '--node-ipc' && process.send) server.serveIpc(start);
  else throw new UsageError('the language server speaks over standard input and output: `shardlens lsp --stdio`.');
}
