import { createScanner, type JSONScanner } from 'jsonc-parser';
import { endOfLine } from './hjson-text';
import { Fault, Token } from './json-token';
import type { SyntaxProblems } from './syntax-problems';

/** The tokens of a JSON text, one at a time. Space is passed over; so are comments, of any kind, with a problem for each. */
export class JsonTokens {
  private readonly scanner: JSONScanner;
  /** One of {@link Token}. */
  token: number = Token.End;
  /** Offset of the current token. */
  start = 0;

  constructor(
    readonly text: string,
    private readonly problems: SyntaxProblems,
  ) {
    this.scanner = createScanner(text, false);
  }

  /** Offset behind the current token. The scanner's own lies outside the text where a comment is opened in its last two units. */
  get end(): number {
    return Math.min(this.start + this.scanner.getTokenLength(), this.text.length);
  }

  /** The current token as written. */
  get written(): string {
    return this.text.slice(this.start, this.end);
  }

  /** The text that a string token stands for, as far as its escapes could be read. */
  get value(): string {
    return this.scanner.getTokenValue();
  }

  /** What is wrong with the current token: one of {@link Fault}. */
  get fault(): number {
    return this.scanner.getTokenError();
  }

  next(): void {
    for (;;) {
      this.skipSpace();
      this.token = this.scanner.scan();
      this.start = this.scanner.getTokenOffset();
      switch (this.token) {
        case Token.LineComment:
        case Token.BlockComment:
          this.reportComment(this.end);
          continue;
        case Token.Unknown:
          if (this.text.charAt(this.start) !== '#') return;
          this.reportComment(endOfLine(this.text, this.start));
          this.scanner.setPosition(endOfLine(this.text, this.start));
          continue;
        default:
          return;
      }
    }
  }

  /** The scanner would make a token of it, and a string of that, unit by unit. */
  private skipSpace(): void {
    const { text, scanner } = this;
    const from = scanner.getPosition();
    let at = from;
    while (at < text.length && isSpace(text.charCodeAt(at))) at++;
    if (at > from) scanner.setPosition(at);
  }

  /** Goes on with the first token at or behind `offset`. */
  jump(offset: number): void {
    this.scanner.setPosition(offset);
    this.next();
  }

  private reportComment(to: number): void {
    // The scanner counts the end that an unclosed comment has not.
    const end = Math.min(to, this.text.length);
    if (this.fault === Fault.UnclosedComment) {
      this.problems.add('broken', this.start, end, 'This comment is never closed.');
    } else {
      this.problems.add('hjson-only', this.start, end, 'JSON has no comments.');
    }
  }
}

function isSpace(unit: number): boolean {
  return unit === 32 || unit === 10 || unit === 13 || unit === 9;
}
