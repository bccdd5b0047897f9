import type { ReportedFigures } from '../core/features/report';
import { formatGib, formatSeconds } from '../core/text/format';
import type { FitAnswer, FitRemedy } from '../lsp/protocol';
import { estimateArguments } from './arguments';
import { type Colours, coloursFor } from './colour';
import { missingFlags, openOne } from './one-file';
import { editsOf, shownPath } from './report';
import { table, widthFor, wrapped } from './table';
import { status, UsageError } from './usage';

/** `shardlens fit FILE`: edits that make the run fit, or go faster where it fits; best first. */
export async function fit(words: readonly string[]): Promise<number> {
  const args = estimateArguments(words, 'fit');
  const { client, file, checked } = await openOne('fit', args, { report: true });
  const found = await client.fit(file, showProgress());
  if (!found) throw new UsageError(`${shownPath(file)} describes no training run; there is nothing to fit.`);
  const isOpen = found.before.memoryPerGpu === null || found.before.memoryPerGpu.capacity === null;
  const missing = missingFlags(checked);
  if (isOpen && missing !== '') {
    throw new UsageError(`${found.why ?? 'too little is known'}. Name it with ${missing}, or once in shardlens.json.`);
  }
  if (args.format === 'json') process.stdout.write(`${JSON.stringify(outputOf(found), null, 2)}\n`);
  else process.stdout.write(textOf(found));
  return found.remedies.length > 0 || found.goal === 'faster' ? status.ok : status.findings;
}

/** A search takes a second or two; a person at a terminal sees that it goes on. */
function showProgress(): (tried: number) => void {
  const { stderr } = process;
  if (!stderr.isTTY) return () => {};
  process.once('exit', () => stderr.write('\r\u001b[K'));
  return (tried) => stderr.write(`\r${tried} runs tried`);
}

/** What `--format json` prints; described by schemas/fit-output.schema.json. */
function outputOf(found: FitAnswer) {
  return {
    version: 1,
    ...found,
    path: shownPath(found.path),
    remedies: found.remedies.map(({ edit, changes, ...remedy }) => ({
      ...remedy,
      changes: changes.map((change) => ({ ...change, path: shownPath(change.path) })),
      edits: editsOf(edit),
    })),
  };
}

const MERITS = {
  smallest: 'smallest change',
  fastest: 'fastest',
  'fastest-numerics': 'fastest, with other numerics',
  balanced: '',
} as const;

function textOf({ path, goal, why, before, remedies, tried, complete }: FitAnswer): string {
  const colours = coloursFor(process.stdout);
  const intro = goal === 'fit' ? 'It does not surely fit.' : 'It fits; these make it faster.';
  const all = complete ? 'all of them' : 'fewest changes first';
  const footer = tried > 0 ? `\n${tried} runs near this one tried, ${all}; the global batch stays the same.\n` : '';
  const head = `${colours.strong(shownPath(path))}\n${figures(before)}\n`;
  if (remedies.length === 0) return `${head}\n${capital(why ?? 'There is no remedy')}.\n${footer}`;
  const list = remedies.map((remedy, index) => remedyText(remedy, index + 1, before, colours));
  return `${head}${intro}\n\n${list.join('\n')}${footer}`;
}

function remedyText(remedy: FitRemedy, number: number, before: ReportedFigures, colours: Colours): string {
  const { title, merits, training, notes, changes, after } = remedy;
  const merit = merits.map((it) => MERITS[it]).filter((it) => it !== '');
  const lines = wrapped(
    `${number}. ${title}${merit.length > 0 ? ` (${merit.join(', ')})` : ''}`,
    widthFor(process.stdout),
  );
  const effect = training === 'same' ? 'The training stays the same' : 'The training changes in its numerics';
  const rows = changes.map(({ path, key, from, to }) => [shownPath(path), key, `${shown(from)} → ${shown(to)}`]);
  const columns = ['file', 'key', 'change'].map((name) => ({ title: name, align: 'left' as const }));
  return [
    colours.strong(lines.join('\n   ')),
    `   ${figures(after, before)}`,
    `   ${[effect, ...notes].join('; ')}.`,
    table(columns, rows, { indent: '   ', width: widthFor(process.stdout) }),
  ].join('\n');
}

/** `30.0 GiB (27.9 to 34.1) of 39.4 GiB · host 25 GiB · 11.0 s a step (was 21.3 s)`. */
function figures(
  { memoryPerGpu: memory, hostMemoryPerNode: host, step }: ReportedFigures,
  before?: ReportedFigures,
): string {
  const parts = [
    memory &&
      `${formatGib(memory.bytes)} (${gib(memory.low)} to ${gib(memory.high)}) of ${shownCapacity(memory.capacity)}`,
    host && `host ${formatGib(host.bytes)}`,
    step && `${formatSeconds(step.seconds)} a step (${formatSeconds(step.low)} to ${formatSeconds(step.high)})`,
  ].filter((it) => it !== null);
  const was = before?.step && step ? `, was ${formatSeconds(before.step.seconds)}` : '';
  return parts.length === 0 ? 'Memory and step time are not known.' : parts.join(' · ') + was;
}

function gib(bytes: number): string {
  return formatGib(bytes).replace(' GiB', '');
}

function shownCapacity(bytes: number | null): string {
  return bytes === null ? 'an unknown capacity' : formatGib(bytes);
}

function shown(value: unknown): string {
  return value === undefined ? '–' : typeof value === 'string' ? value : JSON.stringify(value);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
