import { version } from '../version';
import { HELP, status, UsageError } from './usage';

/**
 * Runs one command and gives its exit status; undefined for the language server, which ends by itself.
 * Each command is loaded when it is asked for, so that none waits for the others.
 */
export async function main(args: readonly string[]): Promise<number | undefined> {
  try {
    return await run(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`shardlens: ${error.message}\n`);
    return status.usage;
  }
}

async function run([command, ...rest]: readonly string[]): Promise<number | undefined> {
  if (rest.includes('--help') && command !== undefined) return help();
  switch (command) {
    case 'check':
      return (await import('./check')).check(rest);
    case 'estimate':
      return (await import('./estimate')).estimate(rest);
    case 'fit':
      return (await import('./fit')).fit(rest);
    case 'calibrate':
      return (await import('./calibrate')).calibrate(rest);
    case 'hardware':
      return (await import('./hardware')).hardware(rest);
    case 'models':
      return (await import('./models')).models(rest);
    case 'explain':
      return (await import('./explain')).explain(rest);
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
  if (flags.length === 1 && transport === '--stdio') server.serveStdio();
  else if (flags.length === 1 && transport === '--node-ipc' && process.send) server.serveIpc();
  else throw new UsageError('the language server speaks over standard input and output: `shardlens lsp --stdio`.');
}
