import { endOfLine } from './hjson-text';

/** The first text of a line that is neither blank nor a comment. */
export interface LineContent {
  readonly start: number;
  readonly column: number;
}

/** The next line with content that begins at or after `from`, the start of a line. */
export function contentFrom(text: string, from: number): LineContent | undefined {
  for (let line = from; line < text.length; line = nextLine(text, endOfLine(text, line))) {
    let at = line;
    while (text.charCodeAt(at) === 32) at++;
    if (at < text.length && !isLineEnd(text.charCodeAt(at)) && text.charCodeAt(at) !== 35) {
      return { start: at, column: at - line };
    }
  }
  return undefined;
}

/** The start of the line after the one that ends at `lineEnd`. */
export function nextLine(text: string, lineEnd: number): number {
  const isCrLf = text.charCodeAt(lineEnd) === 13 && text.charCodeAt(lineEnd + 1) === 10;
  return Math.min(lineEnd + (isCrLf ? 2 : 1), text.length);
}

/** Whether a list's dash stands here. */
export function isDash(text: string, at: number): boolean {
  return text.charCodeAt(at) === 45 && isBlank(text, at + 1);
}

/** The offset of the colon behind the key that begins here, or -1: the key of a block mapping ends on its line. */
export function colonOf(text: string, start: number, lineEnd: number): number {
  const quote = text.charCodeAt(start);
  if (quote === 34 || quote === 39) {
    let at = endOfQuoted(text, start, lineEnd);
    while (at >= 0 && text.charCodeAt(at) === 32) at++;
    return at >= 0 && text.charCodeAt(at) === 58 && isBlank(text, at + 1) ? at : -1;
  }
  for (let at = start; at < lineEnd; at++) {
    const unit = text.charCodeAt(at);
    if (unit === 58 && isBlank(text, at + 1)) return at;
    if (unit === 35 && text.charCodeAt(at - 1) === 32) return -1;
  }
  return -1;
}

/** The offset behind the closing quote, or -1 where it does not stand before `limit`. */
function endOfQuoted(text: string, start: number, limit: number): number {
  const quote = text.charCodeAt(start);
  for (let at = start + 1; at < limit; at++) {
    const unit = text.charCodeAt(at);
    if (unit === 92 && quote === 34) at++;
    else if (unit === quote) {
      if (quote === 34 || text.charCodeAt(at + 1) !== 39) return at + 1;
      at++;
    }
  }
  return -1;
}

/**
 * Where the quoted text or the brackets that begin at `start` end. They are not closed where, before their end, a line begins with a
 * key or a dash: then `end` is the end of the line before. Braces hold keys, so one deeper than `column` ends them only where no comma
 * stands before it.
 */
export function endOfValue(text: string, start: number, column: number): { end: number; isClosed: boolean } {
  let depth = 0;
  let quote = 0;
  let at = start;
  const opening = text.charCodeAt(start);
  while (at < text.length) {
    const unit = text.charCodeAt(at);
    if (isLineEnd(unit)) {
      const content = contentFrom(text, nextLine(text, at));
      if (
        content === undefined ||
        endsValue(text, content, opening === 123 && /[,{[:]/.test(lastUnit(text, at)), column)
      )
        return { end: at, isClosed: false };
      at = content.start;
      continue;
    }
    if (quote !== 0) {
      if (unit === 92 && quote === 34) at++;
      else if (unit === quote && quote === 39 && text.charCodeAt(at + 1) === 39) at++;
      else if (unit === quote) quote = 0;
    } else if ((unit === 34 || unit === 39) && (at === start || opensQuote(text.charCodeAt(at - 1)))) quote = unit;
    else if (unit === 35 && text.charCodeAt(at - 1) === 32) at = endOfLine(text, at) - 1;
    else if (unit === 91 || unit === 123) depth++;
    else if (unit === 93 || unit === 125) depth--;
    at++;
    if (quote === 0 && depth === 0) return { end: at, isClosed: true };
  }
  return { end: text.length, isClosed: false };
}

function endsValue(text: string, { start, column }: LineContent, isGoingOn: boolean, limit: number): boolean {
  if (column > limit && isGoingOn) return false;
  return isDash(text, start) || colonOf(text, start, endOfLine(text, start)) >= 0;
}

/** The last character before the end of a line that is no space. */
function lastUnit(text: string, lineEnd: number): string {
  let at = lineEnd - 1;
  while (text.charCodeAt(at) === 32) at--;
  return text.charAt(at);
}

/** Space, comma, colon or an opening bracket: what may stand before a quoted text inside brackets. */
function opensQuote(before: number): boolean {
  return before === 32 || before === 44 || before === 58 || before === 91 || before === 123;
}

/** The start of the first line behind a `|` or `>` text whose key or dash stands at `column`. */
export function behindBlockText(text: string, from: number, column: number): number {
  let line = from;
  while (line < text.length) {
    let at = line;
    while (text.charCodeAt(at) === 32) at++;
    if (at < text.length && !isLineEnd(text.charCodeAt(at)) && at - line <= column) return line;
    line = nextLine(text, endOfLine(text, at));
  }
  return line;
}

export function isLineEnd(unit: number): boolean {
  return unit === 10 || unit === 13;
}

function isBlank(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return at >= text.length || unit === 32 || unit === 9 || isLineEnd(unit);
}
