import { lstatSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { couldBeConfig } from '../core/dialects/index';
import type { Path } from '../core/source';
import { decode } from '../core/text/decode';
import { readDisk } from '../lsp/disk';
import type { CheckedFile } from '../lsp/protocol';
import { pathOf } from '../lsp/uri';
import { absolute, type CheckArguments, checkArguments } from './arguments';
import { type Client, type ClientOptions, rootOf, startClient } from './client';
import { applyFixes } from './fix';
import { write } from './formats/index';
import { Threads } from './parallel';
import { type Output, outputOf, shownPath, withArticle } from './report';
import { status, UsageError } from './usage';
import { kindOf, walk } from './walk';

interface Targets {
  readonly files: readonly Path[];
  readonly roots: readonly Path[];
  /** Files the user named one by one: what is wrong with them is said, where a walk passes over it. */
  readonly named: ReadonlySet<Path>;
  readonly allowed: readonly Path[];
  /** Something could not be read: exit status 2. */
  failed: boolean;
}

/** `shardlens check`: findings of files, of folders, or of one text on standard input. */
export async function check(words: readonly string[]): Promise<number> {
  const args = checkArguments(words);
  const threads = new Threads();
  const targets = args.stdinName === undefined ? targetsOf(args.paths, threads) : stdinTarget(args.stdinName);
  const options: ClientOptions = {
    roots: targets.roots,
    allowed: [...targets.allowed, ...args.named],
    overrides: args.overrides,
  };
  const client = await startClient(options);
  const text = args.stdinName === undefined ? undefined : readStdin(args.stdinName);
  if (text !== undefined) for (const file of targets.files) client.open(file, text);
  if (args.fix) await applyFixes(client, targets.files);
  const checked = await checkAll(client, threads, options, args, targets);
  const output = outputOf(checked, args.quiet);
  // Nothing of what was named is there: that was said, and a summary of nothing would look like success.
  const isNothing = targets.failed && targets.files.length === 0 && args.format === 'text';
  if (!isNothing) write(args.format, output, ignoredIn(checked), (file) => text ?? textOf(file));
  return exitStatus(checked, output, args, targets);
}

/** Findings that comments silence: the JSON output has no place for them, the summary for people has. */
function ignoredIn(checked: readonly CheckedFile[]): number {
  return checked.reduce((sum, { ignored }) => sum + ignored, 0);
}

async function checkAll(
  client: Client,
  threads: Threads,
  options: ClientOptions,
  args: CheckArguments,
  targets: Targets,
): Promise<CheckedFile[]> {
  const checked = await threads.check(client, targets.files, options, { report: args.format === 'json' });
  return checked.filter((file) => {
    const isNamed = targets.named.has(pathOf(file.uri));
    if (file.unreadable !== null) {
      if (!isNamed && isNoLoss(file)) return false;
      complain(`${shownPath(pathOf(file.uri))} ${file.unreadable}.`);
      return true;
    }
    if (isNamed && file.dialect === null) complain(notChecked(file));
    return isNamed || file.dialect !== null || file.diagnostics.length > 0;
  });
}

/** A walk meets data sets and binaries by the thousand; one whose name is a config's, or that is denied to us, is told. */
function isNoLoss(file: CheckedFile): boolean {
  return !couldBeConfig(pathOf(file.uri), '') && !file.unreadable?.startsWith('cannot');
}

function notChecked(file: CheckedFile): string {
  const name = shownPath(pathOf(file.uri));
  return file.framework === null
    ? `${name} is not a config Shardlens knows; nothing was checked in it.`
    : `${name} is ${withArticle(file.framework)} recipe, which Shardlens recognises but does not check yet.`;
}

function exitStatus(checked: readonly CheckedFile[], output: Output, args: CheckArguments, targets: Targets): number {
  if (targets.failed || checked.some(({ unreadable }) => unreadable !== null)) return status.usage;
  if (output.summary.errors > 0) return status.findings;
  if (args.maxWarnings === undefined) return status.ok;
  // --quiet hides the warnings, not their number.
  const warnings = checked.flatMap(({ diagnostics }) => diagnostics).filter(({ severity }) => severity === 2).length;
  if (warnings <= args.maxWarnings) return status.ok;
  complain(
    `${warnings} ${warnings === 1 ? 'warning' : 'warnings'}, more than the ${args.maxWarnings} of --max-warnings.`,
  );
  return status.findings;
}

function targetsOf(paths: readonly string[], threads: Threads): Targets {
  const files = new Set<Path>();
  const roots = new Set<Path>();
  const named = new Set<Path>();
  const allowed: Path[] = [];
  let failed = false;
  for (const written of paths.length > 0 ? paths : ['.']) {
    const at = absolute(written);
    const kind = kindOf(at);
    if (kind === 'missing') {
      complain(`${written} does not exist.`);
      failed = true;
    } else if (kind === 'folder') {
      roots.add(rootOf(at));
      walk(at, {
        file(path) {
          files.add(path);
          threads.prepare(files.size);
        },
        unreadable(path) {
          complain(`${shownPath(path)} cannot be read.`);
          failed = true;
        },
      });
    } else {
      roots.add(rootOf(absolute(path.dirname(at))));
      files.add(at);
      named.add(at);
      // Naming a link is naming what it leads to.
      if (lstatSync(at).isSymbolicLink()) allowed.push(at);
    }
  }
  return { files: [...files], roots: [...roots], named, allowed, failed };
}

function stdinTarget(name: string): Targets {
  const file = absolute(name);
  if (kindOf(file) === 'folder')
    throw new UsageError(`--stdin-filename takes the name of a file; ${name} is a folder.`);
  return {
    files: [file],
    roots: [rootOf(absolute(path.dirname(file)))],
    named: new Set([file]),
    allowed: [],
    failed: false,
  };
}

function readStdin(name: string): string {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(0);
  } catch {
    throw new UsageError('standard input cannot be read.');
  }
  const decoded = decode(bytes);
  if (decoded.ok) return decoded.text;
  throw new UsageError(`${name} on standard input cannot be checked. ${decoded.message}`);
}

function textOf(file: Path): string | undefined {
  const read = readDisk(file);
  if (!read.ok) return undefined;
  const decoded = decode(read.bytes);
  return decoded.ok ? decoded.text : undefined;
}

function complain(message: string): void {
  process.stderr.write(`shardlens: ${message}\n`);
}
