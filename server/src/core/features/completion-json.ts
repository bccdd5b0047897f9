import type { CompletionPlace } from './completion-place';

interface Container {
  readonly kind: 'object' | 'array';
  readonly keys: string[];
  key: string | undefined;
  index: number;
  expects: 'key' | 'colon' | 'value' | 'comma';
}

/** A string, bare word or number of the text. */
interface Token {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * The place of an offset in JSON text, found by reading from the start: a broken text has a place too, and half-typed
 * text is where completion is asked for. Comments are skipped, as Hjson has them.
 */
export function jsonPlace(text: string, offset: number): CompletionPlace | undefined {
  const stack: Container[] = [];
  let lastEnd = 0;
  let at = 0;
  while (at < offset) {
    const next = skipSpace(text, at);
    if (next > at) {
      if (isInComment(text, at, offset, next)) return undefined;
      at = next;
      continue;
    }
    const unit = text.charAt(at);
    const top = stack[stack.length - 1];
    if (unit === '{' || unit === '[') {
      stack.push(open(unit));
      at++;
    } else if (unit === '}' || unit === ']') {
      stack.pop();
      const parent = stack[stack.length - 1];
      if (parent) parent.expects = 'comma';
      lastEnd = ++at;
    } else if (unit === ':' || unit === ',') {
      if (top) separate(top, unit);
      at++;
    } else {
      const token = tokenAt(text, at);
      if (token.end >= offset && !(isClosed(token, text) && token.end === offset))
        return placeAt(text, stack, token, lastEnd);
      if (top) take(top, token);
      lastEnd = at = token.end;
    }
  }
  return placeAt(text, stack, { start: offset, end: offset, text: '' }, lastEnd);
}

function open(unit: string): Container {
  const kind = unit === '{' ? 'object' : 'array';
  return { kind, keys: [], key: undefined, index: 0, expects: kind === 'object' ? 'key' : 'value' };
}

function separate(top: Container, unit: string): void {
  if (unit === ':') {
    if (top.kind === 'object') top.expects = 'value';
    return;
  }
  top.expects = top.kind === 'object' ? 'key' : 'value';
  if (top.kind === 'array') top.index++;
}

function take(top: Container, token: Token): void {
  if (top.expects === 'key') {
    top.key = token.text;
    top.keys.push(token.text);
    top.expects = 'colon';
  } else top.expects = 'comma';
}

function isClosed({ start, end }: Token, text: string): boolean {
  return text.charAt(start) === '"' && end > start + 1 && text.charAt(end - 1) === '"';
}

function placeAt(
  text: string,
  stack: readonly Container[],
  token: Token,
  lastEnd: number,
): CompletionPlace | undefined {
  const top = stack[stack.length - 1];
  if (!top || top.expects === 'colon') return undefined;
  const missingComma = top.expects === 'comma';
  if (missingComma && (top.kind === 'array' || !hasLineBreak(text, lastEnd, token.start))) return undefined;
  const isKey = top.kind === 'object' && top.expects !== 'value';
  const following = text.charAt(skipSpace(text, token.end));
  return {
    kind: isKey ? 'key' : 'value',
    path: stack
      .slice(0, -1)
      .map((container) => (container.kind === 'object' ? (container.key ?? '') : `${container.index}`)),
    key: isKey || top.kind === 'array' ? undefined : top.key,
    start: token.start,
    end: token.end,
    present: isKey ? [...top.keys, ...keysAfter(text, token.end)] : [],
    hasValue: isKey && following === ':',
    commaAfter: isKey && following === '"',
    commaAt: missingComma ? lastEnd : undefined,
  };
}

function hasLineBreak(text: string, start: number, end: number): boolean {
  return text.slice(start, end).includes('\n');
}

/** Keys of the same object behind a place. */
function keysAfter(text: string, from: number): readonly string[] {
  const keys: string[] = [];
  let depth = 0;
  let at = from;
  while (at < text.length && depth >= 0) {
    const next = skipSpace(text, at);
    if (next > at) {
      at = next;
      continue;
    }
    const unit = text.charAt(at);
    if (unit === '{' || unit === '[') depth++;
    else if (unit === '}' || unit === ']') depth--;
    if (unit === '"') {
      const token = tokenAt(text, at);
      const colon = skipSpace(text, token.end);
      if (depth === 0 && text.charAt(colon) === ':') keys.push(token.text);
      at = token.end;
    } else at++;
  }
  return keys;
}

/** A quoted string up to its quote or the end of the line, or a bare word. */
function tokenAt(text: string, start: number): Token {
  if (text.charAt(start) !== '"') {
    let end = start + 1;
    while (end < text.length && !/[\s,:[\]{}"]/.test(text.charAt(end))) end++;
    return { start, end, text: text.slice(start, end) };
  }
  let end = start + 1;
  while (end < text.length && text.charAt(end) !== '"' && text.charAt(end) !== '\n' && text.charAt(end) !== '\r') {
    end += text.charAt(end) === '\\' ? 2 : 1;
  }
  const inner = text.slice(start + 1, end);
  const closed = text.charAt(end) === '"';
  return { start, end: Math.min(closed ? end + 1 : end, text.length), text: inner };
}

/** The offset after white space and comments. */
function skipSpace(text: string, from: number): number {
  let at = from;
  for (;;) {
    const unit = text.charAt(at);
    if (unit === ' ' || unit === '\t' || unit === '\n' || unit === '\r' || unit === '\uFEFF') at++;
    else if (text.startsWith('//', at) || unit === '#') at = endOr(text, text.indexOf('\n', at), 0);
    else if (text.startsWith('/*', at)) at = endOr(text, text.indexOf('*/', at), 2);
    else return at;
  }
}

function endOr(text: string, found: number, more: number): number {
  return found < 0 ? text.length : found + more;
}

function isInComment(text: string, from: number, offset: number, next: number): boolean {
  if (next <= offset) return false;
  const skipped = text.slice(from, offset);
  const line = skipped.slice(skipped.lastIndexOf('\n') + 1);
  return /\/\/|#/.test(line) || skipped.lastIndexOf('/*') > skipped.lastIndexOf('*/');
}
