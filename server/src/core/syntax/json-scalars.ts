import { endOfLine, hasOnlyHjsonEscapes, readSingleQuoted, unescapeHjson } from './hjson-text';
import { jsonLiteral } from './json-literal';
import { Fault, Token } from './json-token';
import type { JsonTokens } from './json-tokens';
import type { ScalarNode } from './node';
import { type SyntaxProblems, shown } from './syntax-problems';
import { isTemplated } from './template';

/** Reads keys and values that are not brackets. Each function leaves the tokens behind what it read. */
export interface ScalarReader {
  readonly tokens: JsonTokens;
  readonly problems: SyntaxProblems;
  /** Bare words stand for values that a launcher fills in. */
  readonly isTemplate: boolean;
}

/** The key at the current token; absent, with a problem, where the character there begins none. */
export function readKey({ tokens, problems, isTemplate }: ScalarReader): ScalarNode | undefined {
  const { text, start } = tokens;
  if (tokens.token === Token.String) return readString(tokens, problems);
  if (text.charAt(start) === "'") return readSingle(tokens, problems);
  let end = start;
  while (end < text.length && !isKeyEnd(text.charCodeAt(end))) end++;
  const raw = text.slice(start, end);
  if (raw === '') {
    problems.add('broken', start, start + 1, 'This character is not expected here.');
    tokens.jump(start + 1);
    return undefined;
  }
  tokens.jump(end);
  if (tokens.token === Token.Colon && !isTemplate) {
    problems.add('hjson-only', start, end, `The key ${shown(raw)} has no quotes.`);
  }
  return scalar(start, end, raw, 'plain', { type: 'string', value: raw }, isTemplated(raw));
}

/** The value at the current token: a string, a number, a literal, a placeholder, or text that only Hjson reads as a string. */
export function readScalar({ tokens, problems, isTemplate }: ScalarReader): ScalarNode {
  const { text, start } = tokens;
  if (tokens.token === Token.String) return readString(tokens, problems);
  if (text.charAt(start) === "'") return readSingle(tokens, problems);
  const filled = text.startsWith('${', start) ? placeholderEnd(text, start, '}') : -1;
  if (filled > 0) return readPlaceholder(tokens, filled);
  let end = start;
  while (end < text.length && !isWordEnd(text, end)) end++;
  const word = text.slice(start, end);
  const literal = jsonLiteral(word);
  if (literal !== undefined && endsWord(text, end)) {
    tokens.jump(end);
    return scalar(start, end, word, 'plain', literal, false);
  }
  const wordEnd = Math.max(end, start + 1);
  if (isTemplate || isTemplated(word)) return readPlaceholder(tokens, wordEnd);
  return readQuoteless(tokens, problems, wordEnd);
}

/** The `{{ … }}` at the current token, if it ends on its line. */
export function readDoubleBraces({ tokens }: ScalarReader): ScalarNode | undefined {
  if (!tokens.text.startsWith('{{', tokens.start)) return undefined;
  const end = placeholderEnd(tokens.text, tokens.start, '}}');
  return end > 0 ? readPlaceholder(tokens, end) : undefined;
}

function placeholderEnd(text: string, start: number, closing: string): number {
  const end = text.indexOf(closing, start);
  return end >= 0 && end < endOfLine(text, start) ? end + closing.length : -1;
}

function readPlaceholder(tokens: JsonTokens, end: number): ScalarNode {
  const { start } = tokens;
  const raw = tokens.text.slice(start, end);
  tokens.jump(end);
  return scalar(start, end, raw, 'plain', { type: 'string', value: raw }, true);
}

function readString(tokens: JsonTokens, problems: SyntaxProblems): ScalarNode {
  const { text, start, end, fault } = tokens;
  let value = tokens.value;
  const wrong = wording(fault);
  if (fault === Fault.BadEscape && hasOnlyHjsonEscapes(text, start, end)) {
    problems.add('hjson-only', start, end, "Only Hjson knows the escape \\'.");
    value = unescapeHjson(text.slice(start + 1, end - 1));
  } else if (wrong !== undefined) {
    problems.add('broken', start, end, wrong);
  }
  tokens.next();
  return scalar(start, end, text.slice(start, end), 'double', { type: 'string', value }, isTemplated(value));
}

function readSingle(tokens: JsonTokens, problems: SyntaxProblems): ScalarNode {
  const { text, start } = tokens;
  const { end, value, closed } = readSingleQuoted(text, start);
  if (closed) problems.add('hjson-only', start, end, 'Single quotes are Hjson.');
  else problems.add('broken', start, end, 'This quote is never closed.');
  tokens.jump(end);
  return scalar(start, end, text.slice(start, end), 'single', { type: 'string', value }, isTemplated(value));
}

/** Hjson's string without quotes takes the whole line, comma and closing bracket included (hjson 3.1.0 decoder.py scantfnns). */
function readQuoteless(tokens: JsonTokens, problems: SyntaxProblems, wordEnd: number): ScalarNode {
  const { text, start } = tokens;
  const line = text.slice(start, endOfLine(text, wordEnd)).trimEnd();
  const word = text.slice(start, wordEnd);
  if (/[}\]{[]/.test(line) || line.includes('\0')) {
    const message = `${shown(word)} has no quotes, so Hjson reads the rest of the line, brackets included, as text.`;
    problems.add('broken', start, wordEnd, message);
    tokens.jump(wordEnd);
    return scalar(start, wordEnd, word, 'plain', { type: 'string', value: word }, false);
  }
  const trimmed = line.endsWith(',') ? line.slice(0, -1).trimEnd() : line;
  // A word of no-break spaces and the like is nothing once trimmed; it is passed over all the same.
  const end = trimmed === '' ? wordEnd : start + trimmed.length;
  const raw = text.slice(start, end);
  const message = `${shown(raw)} has no quotes; Hjson reads it as the text "${shown(line)}".`;
  problems.add('hjson-only', start, end, message);
  tokens.jump(end);
  return scalar(start, end, raw, 'plain', { type: 'string', value: line }, false);
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

function wording(fault: number): string | undefined {
  switch (fault) {
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

/** A number followed by another word on its line is text to Hjson. */
function endsWord(text: string, end: number): boolean {
  let at = end;
  while (text.charAt(at) === ' ' || text.charAt(at) === '\t') at++;
  return at >= text.length || isWordEnd(text, at);
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
