import { MAX_PROBLEMS } from './limits';
import type { Entry, SyntaxProblem } from './node';

/** The problems of one text, up to our cap; the first limit is always kept, because it says that the rest was not read. */
export class SyntaxProblems {
  readonly list: SyntaxProblem[] = [];
  private hasLimit = false;

  add(kind: SyntaxProblem['kind'], start: number, end: number, message: string): void {
    const isFirstLimit = kind === 'limit' && !this.hasLimit;
    if (this.list.length >= MAX_PROBLEMS && !isFirstLimit) return;
    this.hasLimit ||= isFirstLimit;
    this.list.push({ kind, start, end, message });
  }

  /** A break around which lines may have lost their place. */
  addSpreading(start: number, end: number, message: string): void {
    if (this.list.length < MAX_PROBLEMS) this.list.push({ kind: 'broken', start, end, message, spreads: true });
  }

  /** `entry` is the one that is lost: its key is written again later in its mapping. */
  addDuplicate(entry: Entry): void {
    if (this.list.length >= MAX_PROBLEMS) return;
    const { start, end } = entry.keyNode;
    const message = `\`${shown(entry.key)}\` is written again further down, and only the last one counts.`;
    this.list.push({ kind: 'duplicate-key', start, end, message, entry });
  }
}

/** User text in a message: on one line, and not longer than a line. */
export function shown(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what has to go.
  const line = text.replace(/[\u0000-\u001f\u2028\u2029]+/g, ' ');
  return line.length > 60 ? `${line.slice(0, 57)}…` : line;
}
