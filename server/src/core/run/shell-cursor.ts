/** Characters that end a word outside quotes. */
export const BREAKS: ReadonlySet<string> = new Set([' ', '\t', '\r', '\n', ';', '|', '&', '<', '>', '(', ')']);

/** How far a script has been read. */
export class Cursor {
  at = 0;

  constructor(readonly text: string) {}

  /** Whether all is read. */
  isAtEnd(): boolean {
    return this.at >= this.text.length;
  }

  /** The character that is next; nothing at the end. */
  char(ahead = 0): string {
    return this.text[this.at + ahead] ?? '';
  }

  /** A backslash at the end of a line: the command goes on behind it. */
  isContinuation(): boolean {
    return this.text[this.at] === '\\' && /^\\\r?\n/.test(this.text.slice(this.at, this.at + 3));
  }

  skipContinuation(): void {
    this.at = this.text.indexOf('\n', this.at) + 1;
  }

  /** Whether a word may begin here; only then `#` begins a comment. */
  startsWord(): boolean {
    return this.at === 0 || /[\s;&|(]/.test(this.text[this.at - 1] ?? '');
  }

  lineEnd(): number {
    const end = this.text.indexOf('\n', this.at);
    return end < 0 ? this.text.length : end;
  }
}
