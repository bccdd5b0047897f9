import { writeFileSync } from 'node:fs';
import type { CalibrateAnswer, SettingsChange } from '../lsp/protocol';
import { pathOf } from '../lsp/uri';
import { calibrateArguments } from './arguments';
import { coloursFor } from './colour';
import { applyTo } from './fix';
import { readLog } from './hardware-import';
import { missingFlags, openOne } from './one-file';
import { print, printError } from './output';
import { shownPath } from './report';
import { table, widthFor, wrapped } from './table';
import { status, UsageError } from './usage';

/** `shardlens calibrate FILE LOG…`: what a run measured, beside what is predicted of it. */
export async function calibrate(words: readonly string[]): Promise<number> {
  const args = calibrateArguments(words);
  const printed = args.logs.map(readLog).map(({ path, text }) => ({ name: path, text }));
  const { client, file, checked } = await openOne('calibrate', args, { report: true });
  const { target } = args.overrides;
  const lost = checked.diagnostics.find(({ message }) => String(message).includes(`"${target}"`));
  if (target !== undefined && checked.run?.hardware === null) {
    throw new UsageError(String(lost?.message ?? `the target "${target}" names no hardware that is known.`));
  }
  const found = await client.calibrate(file, { printed, write: args.write });
  if (!found) throw new UsageError(`${shownPath(file)} describes no training run; there is nothing to calibrate.`);
  if (found.figures.length === 0) throw new UsageError(nothingRead(args.logs, found));
  const written = found.change && write(found.change);
  if (args.format === 'json') print(`${JSON.stringify(outputOf(found, written), null, 2)}\n`);
  else print(`${textOf(found)}${hintOf(found, missingFlags(checked))}`);
  if (written) printError(`Wrote what was measured to ${written}.\n`);
  return status.ok;
}

const KNOWN =
  'It reads see_memory_usage lines of DeepSpeed, torch.cuda.memory_summary(), labelled prints of max_memory_allocated and max_memory_reserved, memory and speed metrics and the progress bar of Trainer, out-of-memory errors of torch, and nvidia-smi.';

function nothingRead(logs: readonly string[], { unread }: CalibrateAnswer): string {
  const what = unread.length > 0 ? ` ${unread.join('; ')}.` : '';
  return `${logs.join(', ')}: no figure of the run could be read.${what} ${KNOWN}`;
}

/** What `--format json` prints; described by schemas/calibrate-output.schema.json. */
function outputOf({ figures, unread, missing }: CalibrateAnswer, written: string | null): object {
  return { version: 1, figures: figures.map(({ words: _words, ...figure }) => figure), unread, missing, written };
}

function textOf({ figures, unread }: CalibrateAnswer): string {
  const colours = coloursFor(process.stdout);
  const width = widthFor(process.stdout);
  const columns = ['figure', 'measured', 'predicted', 'band', 'verdict', 'read in'].map((title) => ({
    title,
    align: 'left' as const,
  }));
  const rows = figures.map(({ words, measured, verdict }) => [
    words.name,
    words.measured,
    words.predicted,
    words.band,
    verdict,
    `${measured.path}:${measured.line}`,
  ]);
  let text = `${colours.strong('Measured beside predicted')}\n${table(columns, rows, { width })}`;
  const list = (title: string, lines: readonly string[]): void => {
    if (lines.length === 0) return;
    const shown = lines.map((line) => `  ${wrapped(line, width - 4).join('\n    ')}\n`);
    text += `\n${colours.strong(title)}\n${shown.join('')}`;
  };
  list(
    'Read as',
    figures.map(({ words, measured }) => `${words.name}: ${measured.basis}`),
  );
  for (const { words, inside, verdict, perhaps } of figures) {
    if (inside === false) list(`${words.name} lies outside its band (${verdict}); it could be that`, perhaps);
  }
  list('Not read', unread);
  return text;
}

function hintOf({ figures, missing, change }: CalibrateAnswer, flags: string): string {
  const isOpen = figures.some(({ predicted }) => predicted === null);
  const open =
    isOpen && missing.length > 0 ? `\nNot predicted, since something is not known: ${missing.join('; ')}.\n` : '';
  const name = isOpen && flags !== '' ? `Name it with ${flags}, or once in shardlens.json.\n` : '';
  return `${open}${name}${change ? '' : '\n--write keeps this in shardlens.json, and estimates of this run then use it.\n'}`;
}

/** Makes the change, and says where. */
function write(change: SettingsChange): string {
  if ('problem' in change) throw new UsageError(change.problem);
  const path = pathOf(change.uri);
  if (change.exists) applyTo(path, change.edits);
  else {
    try {
      writeFileSync(path, change.edits.map(({ newText }) => newText).join(''));
    } catch {
      throw new UsageError(`${shownPath(path)} cannot be written.`);
    }
  }
  return shownPath(path);
}
