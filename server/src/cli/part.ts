import path from 'node:path';
import { couldBeConfig } from '../core/dialects/index';
import type { Severity } from '../core/findings';
import type { Path } from '../core/source';
import { readDisk } from '../lsp/disk';
import type { CheckedFile } from '../lsp/protocol';
import { pathOf } from '../lsp/uri';
import type { CheckFormat } from './arguments';
import type { Client } from './client';
import { coloursFor } from './colour';
import { findingsText } from './formats/text';
import { type OutputFile, outputFileOf, shownPath, withArticle } from './report';

/** How a part is reported. */
export interface PartOptions {
  readonly format: CheckFormat;
  /** What is printed goes to a terminal. */
  readonly isTTY: boolean;
  /** Errors only. */
  readonly quiet: boolean;
  /** Files the user named one by one: what is wrong with them is said, where a walk passes over it. */
  readonly named: ReadonlySet<Path>;
  /** The text on standard input, which stands for the only file. */
  readonly text?: string | undefined;
}

/** What the summary counts. */
export interface Counts extends Record<Severity, number> {
  /** Files checked, or with something to say. */
  readonly configs: number;
  /** Findings that --fix would mend. */
  readonly mendable: number;
  /** Findings that comments silence: the JSON output has no place for them, the summary for people has. */
  readonly ignored: number;
  /** Warnings, those that --quiet hides included. */
  readonly allWarnings: number;
  readonly unreadable: number;
  /** Files for which a flag names a model, a machine or a target that is not there. */
  readonly lost: number;
}

/** The report of some of the files: ready to print, so that threads hand over no more than that. Parts join in the order of their files. */
export interface Part {
  readonly counts: Counts;
  /** For standard error, a line each. */
  readonly complaints: readonly string[];
  /** What is printed of these files; empty in the formats that are made of all files together. */
  readonly text: string;
  /** Empty in the format that prints file by file. */
  readonly files: readonly OutputFile[];
}

/** Checks files and makes their part of the report. */
export async function checkPart(client: Client, paths: readonly Path[], options: PartOptions): Promise<Part> {
  const { format } = options;
  const namesOfFixes = format !== 'json' && format !== 'sarif';
  const checked = await client.check(paths, { report: format === 'json', namesOfFixes });
  const complaints = checked.flatMap((file) => [...(complaintOf(file, options.named) ?? []), ...file.lostFlags]);
  const told = checked.filter((file) => isTold(file, options.named));
  const files = told.map((file) => outputFileOf(file, options.quiet));
  const isText = format === 'text';
  return {
    counts: { ...countsOf(files), ...hiddenCounts(told) },
    complaints,
    text: isText ? findingsText(files, (file) => options.text ?? textOf(path.resolve(file)), coloursFor(options)) : '',
    files: isText ? [] : files,
  };
}

/** One part of several, in their order. */
export function joinParts(parts: readonly Part[]): Part {
  const counts = { ...NOTHING };
  for (const part of parts) for (const key of COUNTED) counts[key] += part.counts[key];
  return {
    counts,
    // A flag that names nothing is the same complaint in every file.
    complaints: [...new Set(parts.flatMap(({ complaints }) => complaints))],
    text: parts.map(({ text }) => text).join(''),
    files: parts.flatMap(({ files }) => files),
  };
}

const NOTHING: Counts = {
  error: 0,
  warning: 0,
  information: 0,
  hint: 0,
  configs: 0,
  mendable: 0,
  ignored: 0,
  allWarnings: 0,
  unreadable: 0,
  lost: 0,
};
const COUNTED = Object.keys(NOTHING) as (keyof Counts)[];

/** What is counted of the files themselves, and not of what is printed of them. */
type Hidden = 'ignored' | 'allWarnings' | 'unreadable' | 'lost';

function countsOf(files: readonly OutputFile[]): Omit<Counts, Hidden> {
  const counts = { error: 0, warning: 0, information: 0, hint: 0, configs: 0, mendable: 0 };
  for (const { dialect, findings } of files) {
    // A file that was named but is no config was not checked, whatever the list says.
    if (dialect !== null || findings.length > 0) counts.configs++;
    for (const { severity, fixes } of findings) {
      counts[severity]++;
      if (fixes.some(({ preferred }) => preferred)) counts.mendable++;
    }
  }
  return counts;
}

function hiddenCounts(files: readonly CheckedFile[]): Pick<Counts, Hidden> {
  let [ignored, allWarnings, unreadable, lost] = [0, 0, 0, 0];
  for (const file of files) {
    ignored += file.ignored;
    if (file.unreadable !== null) unreadable++;
    if (file.lostFlags.length > 0) lost++;
    for (const { severity } of file.diagnostics) if (severity === 2) allWarnings++;
  }
  return { ignored, allWarnings, unreadable, lost };
}

function complaintOf(file: CheckedFile, named: ReadonlySet<Path>): readonly string[] | undefined {
  const path = pathOf(file.uri);
  if (file.unreadable !== null) {
    return isTold(file, named) ? [`${shownPath(path)} ${file.unreadable}.`] : undefined;
  }
  return named.has(path) && file.dialect === null ? [notChecked(file)] : undefined;
}

function isTold(file: CheckedFile, named: ReadonlySet<Path>): boolean {
  if (named.has(pathOf(file.uri))) return true;
  return file.unreadable === null ? file.dialect !== null || file.diagnostics.length > 0 : !isNoLoss(file);
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

function textOf(file: Path): string | undefined {
  const read = readDisk(file);
  return read.ok ? read.text : undefined;
}
