import type { Analysis } from '../analysis';
import type { Path } from '../source';

/** A file name in the text that leads to another file. */
export interface FileLink {
  readonly start: number;
  readonly end: number;
  readonly target: Path;
  readonly tooltip: string;
}

/** The files named by settings of the analysed file that were found. */
export function links(analysis: Analysis): FileLink[] {
  const result: FileLink[] = [];
  for (const { setting, resolved } of analysis.references) {
    if (resolved === undefined || setting.config.file.path !== analysis.file.path || !setting.node) continue;
    const [start, end] = inner(analysis.file.text, setting.node.start, setting.node.end);
    result.push({ start, end, target: resolved, tooltip: `Open ${resolved}` });
  }
  return result;
}

/** The link at an offset, its quotes left out. */
export function linkAt(analysis: Analysis, offset: number): FileLink | undefined {
  return links(analysis).find(({ start, end }) => start <= offset && offset <= end);
}

/** The quotes are not part of the name. */
function inner(text: string, start: number, end: number): [number, number] {
  const first = text[start];
  const quoted = end - start >= 2 && (first === '"' || first === "'") && text[end - 1] === first;
  return quoted ? [start + 1, end - 1] : [start, end];
}
