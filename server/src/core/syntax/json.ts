import { createScanner, type JSONScanner } from 'jsonc-parser';
import { endOfLine, hasOnlyHjsonEscapes, readSingleQuoted, unescapeHjson } from './hjson-text';
import { jsonLiteral } from './json-literal';
import { Fault, Token } from './json-token';
import { MAX_DEPTH, MAX_PROBLEMS, MAX_TEXT_UNITS } from './limits';
import type { Entry, Node, ScalarNode, SyntaxProblem, Tree } from './node';
import { isTemplated } from './template';

export interface JsonOptions {
  /** Bare words stand for values that a launcher fills in (`*TEMPLATE*.json`), so they are not reported. */
  readonly template?: boolean;
}

/**
 * Reads JSON text into a tree. What only DeepSpeed's Hjson accepts (comments, trailing or missing commas, bare words and
 * keys, single quotes) is read and reported as `hjson-only`; what no reader accepts is `broken`, and reading goes on behind
 * it. Never throws; nesting is kept on a list of its own, so depth costs no call stack.
 */
export function parseJson(text: string, options: JsonOptions = {}): Tree {
  if (text.length > MAX_TEXT_UNITS) {
    const message = `The file is larger than ${MAX_TEXT_UNITS / 1024 / 1024} MiB of text, so it was not read.`;
    return { format: 'json', root: undefined, problems: [{ kind: 'limit', start: 0, end: 0, message }] };
  }
  return new JsonReader(text, options.template === true).read();
}

interface Frame {
  readonly kind: 'mapping' | 'sequence';
  readonly start: number;
  readonly entries: Entry[];
  readonly items: Node[];
  /** Where each key was last seen; made when the mapping has grown past a handful. */
  seen: Map<string, number> | undefined;
  /** The key whose value is being read. */
  key: ScalarNode | undefined;
  /** Offset of a comma that no item has followed yet, else -1. */
  comma: number;
  /** An item stands before the current token without a comma between. */
  needsComma: boolean;
  /** Hjson's root without braces. */
  readonly bare: boolean;
}

class JsonReader {
  private readonly scanner: JSONScanner;
  private readonly problems: SyntaxProblem[] = [];
  private readonly frames: Frame[] = [];
  private token: number = Token.End;
  private start = 0;
  private lineBreakBefore = false;
  private root: Node | undefined;
  /** End of the last value or bracket read. */
  private lastEnd = 0;
  private stopped = false;

  constructor(
    private readonly text: string,
    private readonly template: boolean,
  ) {
    this.scanner = createScanner(text, false);
  }

  read(): Tree {
    if (this.text.charCodeAt(0) === 0xfeff) {
      this.report('hjson-only', 0, 1, 'The file starts with a byte order mark, which json.load refuses.');
      this.scanner.setPosition(1);
    }
    this.next();
    this.readRoot();
    while (this.frames.length > 0 && !this.stopped) {
      const frame = this.frames[this.frames.length - 1];
      if (frame === undefined) break;
      if (frame.kind === 'mapping') this.stepMapping(frame);
      else this.stepSequence(frame);
    }
    // After a limit the open brackets are closed where reading stopped, so that what was read is kept.
    while (this.frames.length > 0) this.close(this.lastEnd);
    if (!this.stopped && this.root !== undefined && this.token !== Token.End) {
      this.report('broken', this.start, this.tokenEnd(), 'The file goes on behind its last closing bracket.');
    }
    return { format: 'json', root: this.root, problems: this.problems };
  }

  private readRoot(): void {
    if (this.token === Token.End) {
      this.report('hjson-only', 0, 0, 'The file is empty; json.load refuses it, and DeepSpeed reads it as {}.');
      return;
    }
    if (this.token === Token.OpenBrace || this.token === Token.OpenBracket) {
      this.readValue();
      return;
    }
    if (this.startsEntry()) {
      this.report('hjson-only', this.start, this.start, 'The outer braces are missing; only Hjson reads such a file.');
      this.push('mapping', true);
      return;
    }
    this.readValue();
  }

  /** Hjson reads a file without outer braces as a mapping: true when a key and a colon come first. */
  private startsEntry(): boolean {
    const colon = this.text.indexOf(':', this.start);
    if (colon < 0) return false;
    if (this.token === Token.String) return this.text.slice(this.tokenEnd(), colon).trim() === '';
    return /^[^\s{}[\],"']+\s*$/.test(this.text.slice(this.start, Math.min(colon, this.start + 200)));
  }

  private stepMapping(frame: Frame): void {
    switch (this.token) {
      case Token.CloseBrace:
        if (frame.bare) {
          this.skipStray('}');
          return;
        }
        this.closeAtToken(frame);
        return;
      case Token.CloseBracket:
        this.closeMismatched(']', 'sequence');
        return;
      case Token.End:
        if (!frame.bare) this.report('broken', frame.start, frame.start + 1, 'This { is never closed.');
        this.close(this.text.length);
        return;
      case Token.Comma:
        this.takeComma(frame);
        return;
      case Token.Colon:
      case Token.OpenBrace:
      case Token.OpenBracket:
        this.report('broken', this.start, this.tokenEnd(), `A key is expected here, not ${shown(this.tokenText())}.`);
        // The brackets of a value without key are read as a value and dropped, so that what follows stays in place.
        if (this.token === Token.Colon) {
          this.next();
          return;
        }
        this.readValue();
        return;
      default:
        this.readEntry(frame);
        return;
    }
  }

  private stepSequence(frame: Frame): void {
    switch (this.token) {
      case Token.CloseBracket:
        this.closeAtToken(frame);
        return;
      case Token.CloseBrace:
        this.closeMismatched('}', 'mapping');
        return;
      case Token.End:
        this.report('broken', frame.start, frame.start + 1, 'This [ is never closed.');
        this.close(this.text.length);
        return;
      case Token.Comma:
        this.takeComma(frame);
        return;
      case Token.Colon:
        this.report('broken', this.start, this.tokenEnd(), 'A colon is not expected in a list.');
        this.next();
        return;
      default:
        this.checkSeparator(frame);
        this.readValue();
        return;
    }
  }

  private takeComma(frame: Frame): void {
    if (!frame.needsComma) {
      this.report('broken', this.start, this.start + 1, 'This comma follows no value.');
    } else {
      frame.comma = this.start;
      frame.needsComma = false;
    }
    this.next();
  }

  /** Reports the comma that is missing before the item that begins at the current token. */
  private checkSeparator(frame: Frame): void {
    if (frame.needsComma && !(this.template && this.lineBreakBefore && frame.bare)) {
      this.report('hjson-only', this.lastEnd, this.lastEnd, 'A comma is missing here; json.load refuses the file.');
    }
    frame.comma = -1;
    frame.needsComma = false;
  }

  private readEntry(frame: Frame): void {
    if (!frame.bare) this.checkSeparator(frame);
    const key = this.readKey();
    if (key === undefined) return;
    frame.key = key;
    this.lastEnd = key.end;
    if (this.token !== Token.Colon) {
      this.report('broken', key.start, key.end, `The key ${shown(key.raw)} has no colon and no value.`);
      this.attach(undefined);
      return;
    }
    this.lastEnd = this.tokenEnd();
    this.next();
    if (this.endsValue()) {
      this.report('broken', key.start, key.end, `The key ${shown(key.raw)} has no value.`);
      this.attach(undefined);
      return;
    }
    this.readValue();
  }

  private endsValue(): boolean {
    return (
      this.token === Token.Comma ||
      this.token === Token.CloseBrace ||
      this.token === Token.CloseBracket ||
      this.token === Token.Colon ||
      this.token === Token.End
    );
  }

  private readKey(): ScalarNode | undefined {
    if (this.token === Token.String) return this.readString();
    if (this.text.charAt(this.start) === "'") return this.readSingleQuoted();
    let end = this.start;
    while (end < this.text.length && !isKeyEnd(this.text.charCodeAt(end))) end++;
    const raw = this.text.slice(this.start, end);
    const start = this.start;
    if (raw === '') {
      this.report('broken', start, start + 1, 'This character is not expected here.');
      this.jump(start + 1);
      return undefined;
    }
    this.jump(end);
    if (this.token === Token.Colon) {
      this.reportBare(start, end, `The key ${shown(raw)} has no quotes; json.load refuses the file.`);
    }
    return scalar(start, end, raw, 'plain', { type: 'string', value: raw }, isTemplated(raw));
  }

  private readValue(): void {
    switch (this.token) {
      case Token.OpenBrace:
        if (this.text.charAt(this.start + 1) === '{') {
          const end = this.templateEnd(this.start, '}}');
          if (end > 0) {
            this.attachTemplate(end);
            return;
          }
        }
        this.push('mapping', false);
        this.next();
        return;
      case Token.OpenBracket:
        this.push('sequence', false);
        this.next();
        return;
      case Token.String:
        this.attach(this.readString());
        return;
      default:
        this.readWord();
        return;
    }
  }

  private readString(): ScalarNode {
    const start = this.start;
    const end = this.tokenEnd();
    let value = this.scanner.getTokenValue();
    const error = this.scanner.getTokenError();
    const fault = stringFault(error);
    if (error === Fault.BadEscape && hasOnlyHjsonEscapes(this.text, start, end)) {
      this.report('hjson-only', start, end, "Only Hjson knows the escape \\'; json.load refuses the file.");
      value = unescapeHjson(this.text.slice(start + 1, end - 1));
    } else if (fault !== undefined) {
      this.report('broken', start, end, fault);
    }
    const node = scalar(
      start,
      end,
      this.text.slice(start, end),
      'double',
      { type: 'string', value },
      isTemplated(value),
    );
    this.next();
    return node;
  }

  private readSingleQuoted(): ScalarNode {
    const start = this.start;
    const { end, value, closed } = readSingleQuoted(this.text, start);
    if (closed) this.report('hjson-only', start, end, 'Single quotes are Hjson; json.load refuses the file.');
    else this.report('broken', start, end, 'This quote is never closed.');
    this.jump(end);
    return scalar(start, end, this.text.slice(start, end), 'single', { type: 'string', value }, isTemplated(value));
  }

  /** An unquoted value: a number, a literal, a placeholder, or what Hjson reads as a string up to the end of the line. */
  private readWord(): void {
    const start = this.start;
    const first = this.text.charAt(start);
    if (first === "'") {
      this.attach(this.readSingleQuoted());
      return;
    }
    if (first === '$' && this.text.charAt(start + 1) === '{') {
      const end = this.templateEnd(start, '}');
      if (end > 0) {
        this.attachTemplate(end);
        return;
      }
    }
    let end = start;
    while (end < this.text.length && !isWordEnd(this.text, end)) end++;
    const word = this.text.slice(start, end);
    const literal = jsonLiteral(word);
    if (literal !== undefined && this.endsWord(end)) {
      this.jump(end);
      this.attach(scalar(start, end, word, 'plain', literal, false));
      return;
    }
    if (this.template || isTemplated(word)) {
      this.attachTemplate(Math.max(end, start + 1));
      return;
    }
    this.readQuoteless(start, Math.max(end, start + 1));
  }

  /** A number followed by another word on its line is text to Hjson. */
  private endsWord(end: number): boolean {
    let at = end;
    while (this.text.charAt(at) === ' ' || this.text.charAt(at) === '\t') at++;
    return at >= this.text.length || isWordEnd(this.text, at);
  }

  /** Hjson's string without quotes takes the whole line, comma and closing bracket included (hjson 3.1.0 decoder.py scantfnns). */
  private readQuoteless(start: number, wordEnd: number): void {
    const lineEnd = endOfLine(this.text, wordEnd);
    const line = this.text.slice(start, lineEnd).trimEnd();
    const word = this.text.slice(start, wordEnd);
    const bracket = /[}\]{[]/.test(line);
    if (bracket || line.includes('\0')) {
      const message = `${shown(word)} has no quotes, so Hjson reads the rest of the line, brackets included, as text.`;
      this.report('broken', start, wordEnd, message);
      this.jump(wordEnd);
      this.attach(scalar(start, wordEnd, word, 'plain', { type: 'string', value: word }, false));
      return;
    }
    const end = line.endsWith(',') ? start + line.slice(0, -1).trimEnd().length : start + line.length;
    const message = `${shown(this.text.slice(start, end))} has no quotes: json.load refuses the file, and DeepSpeed reads the text "${shown(line)}".`;
    this.report('hjson-only', start, end, message);
    const node = scalar(start, end, this.text.slice(start, end), 'plain', { type: 'string', value: line }, false);
    this.jump(end);
    this.attach(node);
  }

  private templateEnd(start: number, closing: string): number {
    const end = this.text.indexOf(closing, start);
    return end >= 0 && end < endOfLine(this.text, start) ? end + closing.length : -1;
  }

  private attachTemplate(end: number): void {
    const raw = this.text.slice(this.start, end);
    const node = scalar(this.start, end, raw, 'plain', { type: 'string', value: raw }, true);
    this.jump(end);
    this.attach(node);
  }

  private push(kind: Frame['kind'], bare: boolean): void {
    if (this.frames.length >= MAX_DEPTH) {
      const message = `The nesting is deeper than ${MAX_DEPTH} levels, so the rest of the file was not read.`;
      this.report('limit', this.start, this.start + 1, message);
      this.stopped = true;
      this.lastEnd = this.start;
      return;
    }
    this.frames.push({
      kind,
      start: this.start,
      entries: [],
      items: [],
      seen: undefined,
      key: undefined,
      comma: -1,
      needsComma: false,
      bare,
    });
  }

  private closeAtToken(frame: Frame): void {
    if (frame.comma >= 0) {
      this.report(
        'hjson-only',
        frame.comma,
        frame.comma + 1,
        'Nothing follows this comma; json.load refuses the file.',
      );
    }
    const end = this.tokenEnd();
    this.next();
    this.close(end);
  }

  /** A `]` inside a mapping or a `}` inside a list: closes up to the bracket it belongs to, or is passed over. */
  private closeMismatched(bracket: string, kind: Frame['kind']): void {
    const open = this.frames[this.frames.length - 1];
    const outer = this.frames.some((frame) => frame.kind === kind && !frame.bare);
    if (open === undefined || !outer) {
      this.skipStray(bracket);
      return;
    }
    const opening = open.kind === 'mapping' ? '{' : '[';
    this.report(
      'broken',
      open.start,
      open.start + 1,
      `This ${opening} is not closed before the ${bracket} that ends what is around it.`,
    );
    this.close(this.start);
  }

  private skipStray(bracket: string): void {
    this.report('broken', this.start, this.start + 1, `This ${bracket} closes nothing.`);
    this.next();
  }

  private close(end: number): void {
    const frame = this.frames.pop();
    if (frame === undefined) return;
    this.lastEnd = end;
    // A key still waiting means that reading stopped inside its value.
    if (frame.key !== undefined) addEntry(frame, undefined, this.report);
    const flow = true;
    this.attach(
      frame.kind === 'mapping'
        ? { kind: 'mapping', start: frame.start, end, entries: frame.entries, flow }
        : { kind: 'sequence', start: frame.start, end, items: frame.items, flow },
    );
  }

  /** Hands a finished value to the bracket around it. */
  private attach(node: Node | undefined): void {
    if (node !== undefined) this.lastEnd = node.end;
    const frame = this.frames[this.frames.length - 1];
    if (frame === undefined) {
      this.root ??= node;
      return;
    }
    frame.needsComma = true;
    if (frame.kind === 'sequence') {
      if (node !== undefined) frame.items.push(node);
    } else if (frame.key !== undefined) {
      addEntry(frame, node, this.report);
    }
  }

  private jump(offset: number): void {
    this.scanner.setPosition(offset);
    this.next();
  }

  private tokenEnd(): number {
    return this.start + this.scanner.getTokenLength();
  }

  private tokenText(): string {
    return this.text.slice(this.start, this.tokenEnd());
  }

  /** Moves to the next token that is not space or comment. */
  private next(): void {
    this.lineBreakBefore = false;
    for (;;) {
      this.token = this.scanner.scan();
      this.start = this.scanner.getTokenOffset();
      switch (this.token) {
        case Token.LineBreak:
          this.lineBreakBefore = true;
          continue;
        case Token.Space:
          continue;
        case Token.LineComment:
        case Token.BlockComment:
          this.reportComment(this.tokenEnd());
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

  private reportComment(end: number): void {
    if (this.scanner.getTokenError() === Fault.UnclosedComment) {
      this.report('broken', this.start, end, 'This comment is never closed.');
    } else {
      this.report('hjson-only', this.start, end, 'DeepSpeed alone reads comments; json.load refuses the file.');
    }
  }

  private reportBare(start: number, end: number, message: string): void {
    if (!this.template) this.report('hjson-only', start, end, message);
  }

  private readonly report = (
    kind: SyntaxProblem['kind'],
    start: number,
    end: number,
    message: string,
    entry?: Entry,
  ): void => {
    if (this.problems.length >= MAX_PROBLEMS && kind !== 'limit') return;
    this.problems.push(entry === undefined ? { kind, start, end, message } : { kind, start, end, message, entry });
  };
}

type Report = (kind: SyntaxProblem['kind'], start: number, end: number, message: string, entry?: Entry) => void;

function addEntry(frame: Frame, value: Node | undefined, report: Report): void {
  const keyNode = frame.key;
  frame.key = undefined;
  if (keyNode === undefined || keyNode.scalar.type !== 'string') return;
  const key = keyNode.scalar.value;
  const lost = previous(frame, key);
  const entry: Entry = { start: keyNode.start, end: value?.end ?? keyNode.end, key, keyNode, value };
  frame.entries.push(entry);
  if (lost !== undefined) {
    report('duplicate-key', lost.keyNode.start, lost.keyNode.end, duplicateMessage(key), lost);
  }
}

/** User text in a message: on one line, and not longer than a line. */
function shown(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what has to go.
  const line = text.replace(/[\u0000-\u001f\u2028\u2029]+/g, ' ');
  return line.length > 60 ? `${line.slice(0, 57)}…` : line;
}

/** The wording for a key that is written again later in its mapping. */
export function duplicateMessage(key: string): string {
  return `\`${shown(key)}\` is written again further down, and only the last one counts.`;
}

function previous(frame: Frame, key: string): Entry | undefined {
  const { entries } = frame;
  if (frame.seen === undefined && entries.length < 12) {
    for (let i = entries.length - 1; i >= 0; i--) if (entries[i]?.key === key) return entries[i];
    return undefined;
  }
  frame.seen ??= new Map(entries.map((entry, index) => [entry.key, index]));
  const index = frame.seen.get(key);
  frame.seen.set(key, entries.length);
  return index === undefined ? undefined : entries[index];
}

function scalar(
  start: number,
  end: number,
  raw: string,
  style: ScalarNode['style'],
  value: ScalarNode['scalar'],
  templated: boolean,
): ScalarNode {
  return { kind: 'scalar', start, end, raw, style, scalar: value, templated };
}

function stringFault(error: number): string | undefined {
  switch (error) {
    case Fault.UnclosedString:
      return 'This quote is never closed.';
    case Fault.BadUnicode:
      return 'A \\u in this text is not followed by four hexadecimal digits.';
    case Fault.BadEscape:
      return 'A backslash in this text is followed by a letter that JSON does not know; write \\\\ for a backslash.';
    case Fault.BadCharacter:
      return 'This text holds a control character such as a tab; write it as \\t.';
    default:
      return undefined;
  }
}

function isKeyEnd(unit: number): boolean {
  return unit <= 32 || unit === 58 || unit === 44 || unit === 123 || unit === 125 || unit === 91 || unit === 93;
}

/** Space, comma, closing bracket, or the start of a comment. */
function isWordEnd(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  if (unit <= 32) return unit === 32 || unit === 9 || unit === 10 || unit === 13;
  if (unit === 44 || unit === 125 || unit === 93 || unit === 35) return true;
  if (unit !== 47) return false;
  const following = text.charCodeAt(at + 1);
  return following === 47 || following === 42;
}
