import { type OpenBracket, OpenBrackets } from './json-brackets';
import { readDoubleBraces, readKey, readScalar, type ScalarReader } from './json-scalars';
import { Token } from './json-token';
import { JsonTokens } from './json-tokens';
import { MAX_TEXT_UNITS } from './limits';
import type { Tree } from './node';
import { SyntaxProblems, shown } from './syntax-problems';

export interface JsonOptions {
  /** Bare words stand for values that a launcher fills in (`*TEMPLATE*.json`), so they are not reported. */
  readonly template?: boolean;
}

/**
 * Reads JSON text into a tree. What only DeepSpeed's Hjson accepts (comments, trailing or missing commas, bare words and
 * keys, single quotes) is read and reported as `hjson-only`; what no reader accepts is `broken`, and reading goes on behind
 * it. Never throws.
 */
export function parseJson(text: string, options: JsonOptions = {}): Tree {
  if (text.length > MAX_TEXT_UNITS) {
    const message = `The file is larger than ${MAX_TEXT_UNITS / 1024 / 1024} MiB of text, so it was not read.`;
    return { format: 'json', root: undefined, problems: [{ kind: 'limit', start: 0, end: 0, message }] };
  }
  return new JsonReader(text, options.template === true).read();
}

/** The grammar: what may stand where, and how reading goes on where something else does. */
class JsonReader implements ScalarReader {
  readonly problems = new SyntaxProblems();
  readonly tokens: JsonTokens;
  private readonly brackets = new OpenBrackets(this.problems);
  private stopped = false;

  constructor(
    text: string,
    readonly isTemplate: boolean,
  ) {
    this.tokens = new JsonTokens(text, this.problems);
  }

  read(): Tree {
    const { tokens, brackets, problems } = this;
    if (tokens.text.charCodeAt(0) === 0xfeff) {
      problems.add('hjson-only', 0, 1, 'The file starts with a byte order mark.');
      tokens.jump(1);
    } else {
      tokens.next();
    }
    this.readRoot();
    for (let open = brackets.innermost; open !== undefined && !this.stopped; open = brackets.innermost) {
      if (open.kind === 'mapping') this.stepMapping(open);
      else this.stepSequence(open);
    }
    // After a limit the open brackets are closed where reading stopped, so that what was read is kept.
    while (brackets.innermost !== undefined) brackets.close(brackets.lastEnd);
    if (!this.stopped && brackets.root !== undefined && tokens.token !== Token.End) {
      problems.addSpreading(tokens.start, tokens.end, 'The file goes on behind its last closing bracket.');
    }
    return { format: 'json', root: brackets.root, problems: problems.list };
  }

  private readRoot(): void {
    const { token, start } = this.tokens;
    if (token === Token.End) {
      this.problems.add('hjson-only', 0, 0, 'The file is empty, which Hjson reads as {}.');
      return;
    }
    if (token !== Token.OpenBrace && token !== Token.OpenBracket && this.startsEntry()) {
      this.problems.add('hjson-only', start, start, 'The outer braces are missing.');
      this.push('mapping', true);
      return;
    }
    this.readValue();
  }

  /** Hjson reads a file without outer braces as a mapping: true when a key and a colon come first. */
  private startsEntry(): boolean {
    const { text, token, start, end } = this.tokens;
    const colon = text.indexOf(':', start);
    if (colon < 0) return false;
    if (token === Token.String) return text.slice(end, colon).trim() === '';
    return /^[^\s{}[\],"']+\s*$/.test(text.slice(start, Math.min(colon, start + 200)));
  }

  private stepMapping(open: OpenBracket): void {
    const { tokens } = this;
    switch (tokens.token) {
      case Token.CloseBrace:
        if (open.bare) this.skipStray('}');
        else this.closeAtToken(open);
        return;
      case Token.CloseBracket:
        this.closeMismatched(open, ']', 'sequence');
        return;
      case Token.End:
        if (!open.bare) this.problems.addSpreading(open.start, open.start + 1, 'This { is never closed.');
        this.brackets.close(tokens.text.length);
        return;
      case Token.Comma:
        this.takeComma(open);
        return;
      case Token.Colon:
      case Token.OpenBrace:
      case Token.OpenBracket:
        this.problems.addSpreading(tokens.start, tokens.end, `A key is expected here, not ${shown(tokens.written)}.`);
        // The brackets of a value without key are read as a value and dropped, so that what follows stays in place.
        if (tokens.token === Token.Colon) tokens.next();
        else this.readValue();
        return;
      default:
        this.readEntry(open);
        return;
    }
  }

  private stepSequence(open: OpenBracket): void {
    const { tokens } = this;
    switch (tokens.token) {
      case Token.CloseBracket:
        this.closeAtToken(open);
        return;
      case Token.CloseBrace:
        this.closeMismatched(open, '}', 'mapping');
        return;
      case Token.End:
        this.problems.addSpreading(open.start, open.start + 1, 'This [ is never closed.');
        this.brackets.close(tokens.text.length);
        return;
      case Token.Comma:
        this.takeComma(open);
        return;
      case Token.Colon:
        this.problems.add('broken', tokens.start, tokens.end, 'A colon is not expected in a list.');
        tokens.next();
        return;
      default:
        if (this.brackets.includes('mapping') && this.beginsEntryOnNewLine()) {
          this.problems.add('broken', open.start, open.start + 1, 'This [ is never closed.');
          this.brackets.close(this.brackets.lastEnd);
          return;
        }
        this.checkSeparator(open);
        this.readValue();
        return;
    }
  }

  /** Whether a quoted key with its colon begins a line here, where a value should stand: no reader takes that. */
  private beginsEntryOnNewLine(): boolean {
    const { text, token, start, end } = this.tokens;
    if (token !== Token.String) return false;
    let colon = end;
    while (text.charCodeAt(colon) === 32) colon++;
    return text.charCodeAt(colon) === 58 && text.slice(this.brackets.lastEnd, start).includes('\n');
  }

  private takeComma(open: OpenBracket): void {
    const { start } = this.tokens;
    if (!open.needsComma) {
      this.problems.add('broken', start, start + 1, 'This comma follows no value.');
    } else {
      open.comma = start;
      open.needsComma = false;
    }
    this.tokens.next();
  }

  /** Reports the comma that is missing before the item that begins at the current token; what is broken there says enough. */
  private checkSeparator(open: OpenBracket): void {
    const { lastEnd } = this.brackets;
    const fault = this.problems.list.at(-1);
    const last = open.kind === 'mapping' ? open.entries.at(-1) : open.items.at(-1);
    const isBroken = fault?.kind === 'broken' && last !== undefined && fault.start >= last.start;
    if (open.needsComma && !isBroken) {
      this.problems.add('hjson-only', lastEnd, lastEnd, 'A comma is missing here.');
    }
    open.comma = -1;
    open.needsComma = false;
  }

  private readEntry(open: OpenBracket): void {
    const { tokens, brackets } = this;
    if (!open.bare) this.checkSeparator(open);
    const key = readKey(this);
    if (key === undefined) return;
    open.key = key;
    brackets.lastEnd = key.end;
    if (tokens.token !== Token.Colon) {
      const isReported = this.problems.list.at(-1)?.kind === 'broken' && this.problems.list.at(-1)?.start === key.start;
      const message = `The key ${shown(key.raw)} has no colon and no value.`;
      if (!isReported) this.problems.add('broken', key.start, key.end, message);
      brackets.attach(undefined);
      return;
    }
    brackets.lastEnd = tokens.end;
    tokens.next();
    if (endsValue(tokens.token) || this.beginsEntryOnNewLine()) {
      this.problems.add('broken', key.start, key.end, `The key ${shown(key.raw)} has no value.`);
      brackets.attach(undefined);
      return;
    }
    this.readValue();
  }

  private readValue(): void {
    switch (this.tokens.token) {
      case Token.OpenBrace: {
        const placeholder = readDoubleBraces(this);
        if (placeholder !== undefined) {
          this.brackets.attach(placeholder);
          return;
        }
        this.push('mapping', false);
        this.tokens.next();
        return;
      }
      case Token.OpenBracket:
        this.push('sequence', false);
        this.tokens.next();
        return;
      default:
        this.brackets.attach(readScalar(this));
        return;
    }
  }

  private push(kind: OpenBracket['kind'], bare: boolean): void {
    if (!this.brackets.push(kind, this.tokens.start, bare)) this.stopped = true;
  }

  private closeAtToken({ comma }: OpenBracket): void {
    if (comma >= 0) {
      this.problems.add('hjson-only', comma, comma + 1, 'Nothing follows this comma.');
    }
    const { end } = this.tokens;
    this.tokens.next();
    this.brackets.close(end);
  }

  /** A `]` inside a mapping or a `}` inside a list: closes up to the bracket it belongs to, or is passed over. */
  private closeMismatched(open: OpenBracket, written: string, kind: OpenBracket['kind']): void {
    if (!this.brackets.includes(kind)) {
      this.skipStray(written);
      return;
    }
    const opening = open.kind === 'mapping' ? '{' : '[';
    const message = `This ${opening} is not closed before the ${written} that ends what is around it.`;
    this.problems.add('broken', open.start, open.start + 1, message);
    this.brackets.close(this.tokens.start);
  }

  private skipStray(written: string): void {
    const { start } = this.tokens;
    this.problems.addSpreading(start, start + 1, `This ${written} closes nothing.`);
    this.tokens.next();
  }
}

function endsValue(token: number): boolean {
  return (
    token === Token.Comma ||
    token === Token.CloseBrace ||
    token === Token.CloseBracket ||
    token === Token.Colon ||
    token === Token.End
  );
}
