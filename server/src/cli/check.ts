import { type Dirent, lstatSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Path } from '../core/source';
import { decode } from '../core/text/decode';
import { absolute, type CheckArguments, checkArguments } from './arguments';
import { type ClientOptions, rootOf, startClient } from './client';
import { applyFixes } from './fix';
import { rendered } from './formats/index';
import { isTerminal, print, printError } from './output';
import { Threads } from './parallel';
import { joinParts, type Part, type PartOptions } from './part';
import { shownPath } from './report';
import { SliceFolders } from './slices';
import { complaint, status, UsageError } from './usage';
import { kindOf, walk } from './walk';

/** What the user named, before anything below it was looked at. */
interface Targets {
  /** In the order in which they were named. */
  readonly places: readonly { readonly path: Path; readonly kind: 'folder' | 'file' }[];
  readonly roots: readonly Path[];
  readonly named: ReadonlySet<Path>;
  readonly allowed: readonly Path[];
  /** Something could not be read: exit status 2. */
  readonly failed: boolean;
}

/** `shardlens check`: findings of files, of folders, or of one text on standard input. */
export async function check(words: readonly string[]): Promise<number> {
  const args = checkArguments(words);
  const targets = args.stdinName === undefined ? targetsOf(args.paths) : stdinTarget(args.stdinName);
  const text = args.stdinName === undefined ? undefined : readStdin(args.stdinName);
  const { roots, allowed, named } = targets;
  const options: ClientOptions = { roots, allowed: [...allowed, ...args.named], overrides: args.overrides };
  const { format, quiet } = args;
  const report: PartOptions = { format, quiet, named, text, isTTY: isTerminal() };
  const threads = new Threads(options, report);
  const { files, failed } = findFiles(targets, (file, entries) => {
    // A fix may change what the files beside it mean: none is checked before all are mended.
    if (!args.fix) threads.add(file, entries);
  });
  const folders = new SliceFolders();
  const client = await startClient(options, folders);
  if (text !== undefined) for (const file of files) client.open(file, text);
  if (args.fix) {
    await applyFixes(client, files);
    for (const file of files) threads.add(file);
  }
  const part = joinParts(await threads.check(client, folders));
  for (const complaint of part.complaints) complain(complaint);
  // Nothing of what was named is there: that was said, and a summary of nothing would look like success.
  const isNothing = failed && files.length === 0 && format === 'text';
  if (!isNothing) print(rendered(format, part, report));
  return exitStatus(part, args, failed);
}

function exitStatus({ counts }: Part, args: CheckArguments, failed: boolean): number {
  if (failed || counts.unreadable > 0 || counts.lost > 0) return status.usage;
  if (counts.error > 0) return status.findings;
  if (args.maxWarnings === undefined) return status.ok;
  // --quiet hides the warnings, not their number.
  const warnings = counts.allWarnings;
  if (warnings <= args.maxWarnings) return status.ok;
  complain(
    `${warnings} ${warnings === 1 ? 'warning' : 'warnings'}, more than the ${args.maxWarnings} of --max-warnings.`,
  );
  return status.findings;
}

function targetsOf(paths: readonly string[]): Targets {
  const places: Targets['places'][number][] = [];
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
      places.push({ path: at, kind });
    } else {
      roots.add(rootOf(absolute(path.dirname(at))));
      places.push({ path: at, kind: 'file' });
      named.add(at);
      // Naming a link is naming what it leads to.
      if (lstatSync(at).isSymbolicLink()) allowed.push(at);
    }
  }
  return { places, roots: [...roots], named, allowed, failed };
}

/** All files to check, each told once as it is found. */
function findFiles(
  targets: Targets,
  onFile: (file: Path, entries?: readonly Dirent[]) => void,
): { files: readonly Path[]; failed: boolean } {
  const files = new Set<Path>();
  let { failed } = targets;
  const add = (file: Path, entries?: readonly Dirent[]): void => {
    if (files.has(file)) return;
    files.add(file);
    onFile(file, entries);
  };
  for (const { path, kind } of targets.places) {
    if (kind === 'file') add(path);
    else {
      walk(path, {
        file: add,
        unreadable(folder) {
          complain(`${shownPath(folder)} cannot be read.`);
          failed = true;
        },
      });
    }
  }
  return { files: [...files], failed };
}

function stdinTarget(name: string): Targets {
  const file = absolute(name);
  if (kindOf(file) === 'folder')
    throw new UsageError(`--stdin-filename takes the name of a file; ${name} is a folder.`);
  return {
    places: [{ path: file, kind: 'file' }],
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

function complain(message: string): void {
  printError(complaint(message));
}
