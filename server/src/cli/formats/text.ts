import { LineIndex } from '../../core/text/lines';
import { type Colours, coloursFor } from '../colour';
import type { Output, OutputFile, OutputFinding } from '../report';

/** Lines longer than this are cut around the place; minified files have lines of megabytes. */
const MAX_FRAME = 100;

/** For people: each finding with its place, the line it is on, and what would mend it. */
export function text(
  output: Output,
  ignored: number,
  textOf: (path: string) => string | undefined,
  stream: { readonly isTTY?: boolean },
): string {
  const colours = coloursFor(stream);
  const parts: string[] = [];
  for (const file of output.files) {
    if (file.findings.length === 0) continue;
    const source = textOf(file.path);
    const lines = source === undefined ? undefined : new LineIndex(source);
    for (const finding of file.findings) {
      parts.push(findingText(file, finding, source, lines, colours));
    }
  }
  parts.push(summaryText(output, ignored, colours));
  return parts.join('\n');
}

function findingText(
  file: OutputFile,
  finding: OutputFinding,
  source: string | undefined,
  lines: LineIndex | undefined,
  colours: Colours,
): string {
  const { start } = finding.range;
  const place = colours.strong(`${file.path}:${start.line + 1}:${start.character + 1}`);
  const head = `${place} ${colours[finding.severity](finding.severity)} ${colours.faint(`[${finding.rule}]`)}`;
  const parts = [head, `  ${finding.message}`];
  if (source !== undefined && lines) parts.push(...frame(source, lines, finding, colours));
  for (const related of finding.related) {
    const { line, character } = related.range.start;
    parts.push(colours.faint(`  see ${related.path}:${line + 1}:${character + 1} ${related.message}`));
  }
  for (const fix of finding.fixes) {
    parts.push(`  ${colours.information('fix')} ${fix.title}${fix.preferred ? colours.faint(' (--fix)') : ''}`);
  }
  return `${parts.join('\n')}\n`;
}

function frame(source: string, lines: LineIndex, { range, severity }: OutputFinding, colours: Colours): string[] {
  const cut = Math.max(0, range.start.character - MAX_FRAME / 2);
  const start = lines.offsetAt({ line: range.start.line, character: cut });
  const next = lines.offsetAt({ line: range.start.line + 1, character: 0 });
  const shown = source
    .slice(start, Math.min(next, start + MAX_FRAME))
    .replace(/[\r\n]+$/, '')
    .replaceAll('\t', ' ');
  if (shown.trim() === '') return [];
  const from = range.start.character - cut;
  const end = range.end.line === range.start.line ? range.end.character - cut : shown.length;
  const length = Math.max(1, Math.min(end, shown.length) - from);
  const number = String(range.start.line + 1);
  const margin = ' '.repeat(number.length);
  return [
    `  ${colours.faint(`${number} │`)} ${shown}`,
    `  ${colours.faint(`${margin} │`)} ${' '.repeat(from)}${colours[severity]('^'.repeat(length))}`,
  ];
}

function summaryText({ files, summary }: Output, ignored: number, colours: Colours): string {
  const counts = [
    counted(summary.errors, 'error'),
    counted(summary.warnings, 'warning'),
    counted(summary.informations, 'information', 'informations'),
    counted(summary.hints, 'hint'),
  ].filter((it): it is string => it !== undefined);
  // A file that was named but is no config was not checked, whatever the list says.
  const configs = files.filter(({ dialect, findings }) => dialect !== null || findings.length > 0).length;
  const silenced = ignored > 0 ? ` (${ignored} ignored)` : '';
  const what = (counts.length === 0 ? 'no findings' : counts.join(', ')) + silenced;
  const mendable = files.reduce(
    (sum, file) => sum + file.findings.filter(({ fixes }) => fixes.some(({ preferred }) => preferred)).length,
    0,
  );
  const advice = mendable > 0 ? ` ${mendable} can be mended with --fix.` : '';
  return `${colours.strong(`${counted(configs, 'file') ?? 'no configs'} checked: ${what}.`)}${advice}\n`;
}

function counted(count: number, one: string, many = `${one}s`): string | undefined {
  return count === 0 ? undefined : `${count} ${count === 1 ? one : many}`;
}
