import { LineIndex } from '../../core/text/lines';
import type { Colours } from '../colour';
import type { Counts } from '../part';
import type { OutputFile, OutputFinding } from '../report';

/** Lines longer than this are cut around the place; minified files have lines of megabytes. */
const MAX_FRAME = 100;

/** For people: each finding with its place, the line it is on, and what would mend it. `textOf` gives a file's text for the line. */
export function findingsText(
  files: readonly OutputFile[],
  textOf: (path: string) => string | undefined,
  colours: Colours,
): string {
  let text = '';
  for (const file of files) {
    if (file.findings.length === 0) continue;
    const source = textOf(file.path);
    const lines = source === undefined ? undefined : new LineIndex(source);
    for (const finding of file.findings) text += `${findingText(file, finding, source, lines, colours)}\n`;
  }
  return text;
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
  const rest = source.slice(start, Math.min(next, start + MAX_FRAME + 1)).replace(/[\r\n]+$/, '');
  const text = rest.slice(0, MAX_FRAME).replaceAll('\t', ' ');
  if (text.trim() === '') return [];
  const before = cut > 0 ? '…' : '';
  const shown = `${before}${text}${rest.length > MAX_FRAME ? '…' : ''}`;
  const from = range.start.character - cut + before.length;
  const last = before.length + text.length;
  const end = range.end.line === range.start.line ? range.end.character - cut + before.length : last;
  const length = Math.max(1, Math.min(end, last) - from);
  const number = String(range.start.line + 1);
  const margin = ' '.repeat(number.length);
  return [
    `  ${colours.faint(`${number} │`)} ${shown}`,
    `  ${colours.faint(`${margin} │`)} ${' '.repeat(from)}${colours[severity]('^'.repeat(length))}`,
  ];
}

/** The last line: how many were checked, and what was found. */
export function summaryText(counts: Counts, colours: Colours): string {
  if (counts.configs === 0) return `${colours.strong('No config was recognised; nothing was checked.')}\n`;
  const found = [
    counted(counts.error, 'error'),
    counted(counts.warning, 'warning'),
    counted(counts.information, 'information', 'informations'),
    counted(counts.hint, 'hint'),
  ].filter((it): it is string => it !== undefined);
  const silenced = counts.ignored > 0 ? ` (${counts.ignored} ignored)` : '';
  const what = (found.length === 0 ? 'no findings' : found.join(', ')) + silenced;
  const advice = counts.mendable > 0 ? ` ${counts.mendable} can be mended with --fix.` : '';
  return `${colours.strong(`${counted(counts.configs, 'file')} checked: ${what}.`)}${advice}\n`;
}

function counted(count: number, one: string, many = `${one}s`): string | undefined {
  return count === 0 ? undefined : `${count} ${count === 1 ? one : many}`;
}
