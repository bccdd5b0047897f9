import { formatSetting } from '../core/text/format';
import type { FitAnswer, FitRemedy } from '../lsp/protocol';
import { estimateArguments } from './arguments';
import { type Colours, coloursFor } from './colour';
import { missingFlags, openOne, showProgress } from './one-file';
import { print } from './output';
import { editsOf, shownPath } from './report';
import { table, widthFor, wrapped } from './table';
import { status, UsageError } from './usage';

/** `shardlens fit FILE`: edits that make the run fit, or go faster where it fits; best first. */
export async function fit(words: readonly string[]): Promise<number> {
  const args = estimateArguments(words, 'fit');
  const { client, file, checked } = await openOne('fit', args, { report: true });
  const found = await client.fit(file, showProgress('runs'));
  if (!found) throw new UsageError(`${shownPath(file)} describes no training run; there is nothing to fit.`);
  const isOpen = found.before.memoryPerGpu === null || found.before.memoryPerGpu.capacity === null;
  const missing = missingFlags(checked);
  if (isOpen && missing !== '') {
    throw new UsageError(`${found.why ?? 'too little is known'}. Name it with ${missing}, or once in shardlens.json.`);
  }
  if (args.format === 'json') print(`${JSON.stringify(outputOf(found), null, 2)}\n`);
  else print(textOf(found));
  return found.remedies.length > 0 || found.goal === 'faster' ? status.ok : status.findings;
}

/** What `--format json` prints; described by schemas/fit-output.schema.json. */
function outputOf({ words: _, ...found }: FitAnswer) {
  return {
    version: 1,
    ...found,
    path: shownPath(found.path),
    remedies: found.remedies.map(({ edit, changes, words: _words, ...remedy }) => ({
      ...remedy,
      changes: changes.map((change) => ({ ...change, path: shownPath(change.path) })),
      edits: editsOf(edit),
    })),
  };
}

function textOf({ path, words, remedies, searched, closed, tried, complete }: FitAnswer): string {
  const colours = coloursFor(process.stdout);
  const width = widthFor(process.stdout);
  const which = complete
    ? `All ${tried} runs near this one were tried`
    : `${tried} runs near this one were tried, fewest changes first, then on from the best`;
  const changed = searched.map(({ what, values }) => `${what} (${values})`).join(', ');
  const footer =
    tried > 0
      ? `\n${which}; the global batch stays the same.\nSearched, with the number of other values:\n${paragraph(changed, width)}`
      : '';
  const list = remedies.map((remedy, index) => `\n${remedyText(remedy, index + 1, colours)}`);
  const others = closed.map(({ what, because }) => paragraph(`${what}: ${because}`, width)).join('');
  return [
    `${colours.strong(shownPath(path))}\n${words.before}\n${words.intro}\n`,
    ...list,
    footer,
    others === '' ? '' : `Not searched:\n${others}`,
  ].join('');
}

function paragraph(text: string, width: number): string {
  return `  ${wrapped(text, width - 4).join('\n    ')}\n`;
}

function remedyText({ title, words, changes }: FitRemedy, number: number, colours: Colours): string {
  const width = widthFor(process.stdout);
  const lines = wrapped(`${number}. ${words.merit}: ${title}`, width - 3);
  const rows = changes.map(({ path, key, from, to }) => [shownPath(path), key, `${shown(from)} → ${shown(to)}`]);
  const columns = ['file', 'key', 'change'].map((name) => ({ title: name, align: 'left' as const }));
  return [
    colours.strong(lines.join('\n   ')),
    `   ${wrapped(words.figures, width - 3).join('\n   ')}`,
    `   ${wrapped(words.effect, width - 3).join('\n   ')}`,
    table(columns, rows, { indent: '   ', width }),
  ].join('\n');
}

function shown(value: unknown): string {
  if (value === undefined) return '–';
  return typeof value === 'object' ? JSON.stringify(value) : formatSetting(value);
}
