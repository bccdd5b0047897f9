import type { BillTable } from '../core/features/bill-table';
import type { Bill } from '../core/features/breakdown';
import type { CheckedFile } from '../lsp/protocol';
import { estimateArguments } from './arguments';
import { coloursFor } from './colour';
import { comparedOutput, comparison, comparisonText } from './compare';
import { html } from './formats/html';
import { json } from './formats/json';
import { missingFlags, openOne } from './one-file';
import { print, printError } from './output';
import { outputFileOf, outputOf, shownPath } from './report';
import { table, widthFor, wrapped } from './table';
import { status, UsageError } from './usage';

/** `shardlens estimate FILE`: what the run needs and how long a step takes, with the whole bill. */
export async function estimate(words: readonly string[]): Promise<number> {
  const args = estimateArguments(words, 'estimate');
  const [written = ''] = args.paths;
  const { client, checked, file } = await openOne('estimate', args, { report: true, bill: true });
  const output = outputOf([outputFileOf(checked, false)]);
  if (args.compare) {
    const found = await comparison(client, file, args.compare);
    const compared = { ...output, targets: comparedOutput(found) };
    print(args.format === 'json' ? json(compared) : comparisonText(found));
    return status.ok;
  }
  const page = args.format === 'html' ? await client.view(file) : null;
  if (args.format === 'json') print(json(output));
  else if (page) print(html(page.view));
  else if (checked.bill && args.format === 'text') print(billText(checked.bill) + nextSteps(checked));
  else throw new UsageError(`${shownPath(file)} describes no training run; there is nothing to estimate.`);
  const { errors, warnings } = output.summary;
  if (errors + warnings > 0) {
    const counts = [errors > 0 ? counted(errors, 'error') : '', warnings > 0 ? counted(warnings, 'warning') : ''];
    const what = counts.filter((it) => it !== '').join(', ');
    const flags = Object.keys(args.overrides).length > 1 ? ' with the same flags' : '';
    printError(
      `shardlens: ${what}; \`shardlens check ${written}\`${flags} shows ${errors + warnings === 1 ? 'it' : 'them'}.\n`,
    );
  }
  return errors > 0 ? status.findings : status.ok;
}

function counted(count: number, one: string): string {
  return `${count} ${count === 1 ? one : `${one}s`}`;
}

/** What to add to the command for the figures that are missing; nothing where they are all there. */
function nextSteps(checked: CheckedFile): string {
  const { run, estimate: figures } = checked;
  const missing = missingFlags(checked);
  if (!run || missing === '' || (figures?.memoryPerGpu && figures.step)) return '';
  const what = figures?.memoryPerGpu ? 'the step time' : 'memory and step time';
  return `\nFor ${what}, name what is not known: ${missing}; or write it once in shardlens.json.\n`;
}

/** The bill as aligned tables; sources, which are long, stand numbered at the end. */
function billText({ title, summary, tables }: Bill): string {
  const colours = coloursFor(process.stdout);
  const width = widthFor(process.stdout);
  const sources: string[] = [];
  let text = `${colours.strong(title)}\n${summary}\n`;
  for (const it of tables) {
    text += `\n${colours.strong(it.title)}\n`;
    for (const line of it.lines) text += paragraph(line, width);
    if (it.rows.length > 0) text += table(it.columns.map(unnamedSource), withNumberedSources(it, sources), { width });
  }
  if (sources.length === 0) return text;
  const list = sources.map((source, index) => paragraph(`[${index + 1}] ${source}`, width)).join('');
  return `${text}\n${colours.strong('Sources')}\n${list}`;
}

function paragraph(text: string, width: number): string {
  return wrapped(text, width - 4)
    .join('\n    ')
    .replace(/^/, '  ')
    .concat('\n');
}

function unnamedSource(column: BillTable['columns'][number]): BillTable['columns'][number] {
  return column.title === 'source' ? { ...column, title: '' } : column;
}

function withNumberedSources({ columns, rows }: BillTable, sources: string[]): BillTable['rows'] {
  const at = columns.findIndex((column) => column.title === 'source');
  return rows.map((row) => row.map((cell, index) => (index === at ? `[${numberOf(cell, sources)}]` : cell)));
}

function numberOf(source: string, sources: string[]): number {
  const known = sources.indexOf(source);
  return known >= 0 ? known + 1 : sources.push(source);
}
