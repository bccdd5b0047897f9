import path from 'node:path';
import type { Path } from '../core/source';
import type { CheckedFile, CheckParams } from '../lsp/protocol';
import { absolute, type EstimateArguments } from './arguments';
import { type Client, rootOf, startClient } from './client';
import { shownPath, withArticle } from './report';
import { UsageError } from './usage';
import { kindOf } from './walk';

/** The one config a command is about, as the server sees it. */
export interface OneFile {
  readonly client: Client;
  readonly file: Path;
  readonly checked: CheckedFile;
}

/** Opens the file of `estimate` or `fit`. Throws a {@link UsageError} where there is nothing to compute: no such file, not a config. */
export async function openOne(
  command: string,
  args: EstimateArguments,
  options: Omit<CheckParams, 'uris'>,
): Promise<OneFile> {
  const [written = ''] = args.paths;
  const file = absolute(written);
  const kind = kindOf(file);
  if (kind === 'missing') throw new UsageError(`${written} does not exist.`);
  if (kind === 'folder') throw new UsageError(`${written} is a folder; ${command} takes one config file.`);
  const client = await startClient({
    roots: [rootOf(absolute(path.dirname(file)))],
    allowed: [...args.named, file],
    overrides: args.overrides,
  });
  const [checked] = await client.check([file], options);
  if (!checked) throw new Error('the server gave no answer');
  if (checked.unreadable !== null) throw new UsageError(`${shownPath(file)} ${checked.unreadable}.`);
  if (checked.dialect === null) {
    const what =
      checked.framework === null
        ? 'not a config Shardlens knows'
        : `${withArticle(checked.framework)} recipe, which Shardlens does not read yet`;
    throw new UsageError(`${shownPath(file)} is ${what}; there is nothing to ${command}.`);
  }
  ensureFlagsFound(args, checked);
  return { client, file, checked };
}

/** A model or machine named on the command line that is none: an answer without it would be to another question. */
function ensureFlagsFound({ overrides }: EstimateArguments, { run, lostFlags }: CheckedFile): void {
  if (lostFlags.length > 0) throw new UsageError(lostFlags.join(' '));
  const isLost =
    (overrides.model !== undefined && run?.model === null) ||
    (overrides.hardware !== undefined && run?.hardware === null);
  if (isLost) throw new UsageError('the model or the hardware named on the command line is not known.');
}

/** A search takes a second or two; a person at a terminal sees that it goes on. */
export function showProgress(what: string): (done: number) => void {
  const { stderr } = process;
  if (!stderr.isTTY) return () => {};
  process.once('exit', () => stderr.write('\r\u001b[K'));
  return (done) => stderr.write(`\r${done} ${what} tried`);
}

/** What to add to the command for the facts that are missing: `--model ID …, --seq-len N`. */
export function missingFlags({ run }: CheckedFile): string {
  return [
    run?.model === null ? '--model ID (`shardlens models list`)' : '',
    run?.hardware === null ? '--hardware ID (`shardlens hardware list`)' : '',
    run?.sequenceLength === null ? '--seq-len N' : '',
  ]
    .filter((it) => it !== '')
    .join(', ');
}
