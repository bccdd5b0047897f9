import { SyntaxProblems } from '../syntax-problems';
import { HASH, isLineEnd, SPACE } from './units';

/** Each level of nesting takes a column or is a list at the column of its key, so this bounds how deep readers call each other. */
const MAX_COLUMN = 120;

/**
 * Where reading stands in a YAML text. Once the text is refused the cursor stands at its end, so that everything still open ends by
 * itself; what has been built by then is dropped.
 */
export class Cursor {
  readonly problems = new SyntaxProblems();
  /** The next unit to read. */
  at = 0;
  /** Column of the content that begins at the cursor, and -1 behind the last line. Set by whoever moves to new content. */
  column = 0;
  isRefused = false;
  /** Set between brackets. A comment at the very start of a line is refused there: the package takes it in some places only. */
  isInBrackets = false;
  private lineStart = 0;

  constructor(readonly text: string) {}

  /** Leaves the text to the YAML package. */
  refuse(): void {
    this.isRefused = true;
    this.end();
  }

  skipSpaces(): void {
    const { text } = this;
    while (this.at < text.length && text.charCodeAt(this.at) === SPACE) this.at++;
  }

  /** Whether nothing but a comment follows on this line. The hash of a comment stands behind a space. */
  isAtLineEnd(): boolean {
    const { text, at } = this;
    if (at >= text.length) return true;
    const unit = text.charCodeAt(at);
    if (unit === HASH) return at === this.lineStart ? !this.isInBrackets : text.charCodeAt(at - 1) === SPACE;
    return isLineEnd(text, at);
  }

  /** Goes on behind the end of the line, where only spaces and a comment may stand before it. */
  endLine(): void {
    this.skipSpaces();
    if (this.isAtLineEnd()) this.nextLine();
    else this.refuse();
  }

  /** Moves to the content of the next line that has any, whatever is left of this one. */
  nextLine(): void {
    const { text } = this;
    for (let end = text.indexOf('\n', this.at); end >= 0; end = text.indexOf('\n', this.at)) {
      if (this.beginLine(end + 1)) return;
    }
    this.end();
  }

  /** Moves to the content of the line that begins at `start`; false where it has none. */
  beginLine(start: number): boolean {
    this.lineStart = start;
    this.at = start;
    this.skipSpaces();
    this.beginContent();
    return !this.isAtLineEnd();
  }

  /** Takes the column of the cursor for that of the content that begins here. */
  beginContent(): void {
    this.column = this.at - this.lineStart;
    if (this.column > MAX_COLUMN) this.refuse();
  }

  private end(): void {
    this.at = this.text.length;
    this.column = -1;
  }
}
