import { endOfLine } from './hjson-text';
import { shown } from './syntax-problems';
import type { HalfTyped, TypedKey } from './yaml-half-typed';
import { behindBlockText, colonOf, contentFrom, endOfValue, isDash, nextLine } from './yaml-lines';

export interface Finished {
  /** The text with an empty comment in the place of what is half typed, so that every offset stays. */
  readonly text: string;
  readonly left: readonly HalfTyped[];
}

/** A block mapping or list that is open at a line. */
interface Level {
  readonly kind: 'mapping' | 'sequence';
  readonly column: number;
  /** Start of the first key; of the first dash for a list. */
  readonly start: number;
  /** The last key has no value yet, so that a list may begin at the same column. */
  awaits: boolean;
}

interface Scan {
  readonly text: string;
  /** The text as written, of the same length. */
  readonly source: string;
  readonly levels: Level[];
  readonly left: HalfTyped[];
  readonly spans: { start: number; end: number }[];
}

/**
 * Finds by line and indentation what somebody is still typing: a key without a colon beside the keys of a block mapping, a quote or
 * bracket that does not close before the next key, a dash where no list can stand. For texts that the parser refuses: in a whole
 * one such a line may be part of a value. `source` is the text before its templates were replaced by letters.
 */
export function leaveOutHalfTyped(text: string, source: string): Finished {
  const scan: Scan = { text, source, levels: [], left: [], spans: [] };
  for (let line = 0; line < text.length; ) line = readLine(scan, line);
  let finished = '';
  let from = 0;
  for (const { start, end } of scan.spans) {
    finished += `${text.slice(from, start)}#${text.slice(start + 1, end).replace(/[^\r\n]/g, ' ')}`;
    from = end;
  }
  return { text: finished + text.slice(from), left: scan.left };
}

/** Reads one line, or as many as its value takes; gives the start of the next. */
function readLine(scan: Scan, line: number): number {
  const { text, levels } = scan;
  const lineEnd = endOfLine(text, line);
  let at = line;
  while (text.charCodeAt(at) === 32 || text.charCodeAt(at) === 9) at++;
  if (at >= lineEnd || text.charCodeAt(at) === 35) return nextLine(text, lineEnd);
  if (text.slice(line, at).includes('\t')) return readTabbed(scan, line, at, lineEnd);
  if (at === line && (levels.length === 0 ? /^(?:---|\.\.\.|%)/ : /^(?:---|\.\.\.)/).test(text.slice(at, at + 3))) {
    levels.length = 0;
    return nextLine(text, lineEnd);
  }
  while (isDash(text, at)) {
    if (!openSequence(scan, at, at - line)) {
      leaveOut(scan, at, lineEnd, 'A list cannot begin here; its dash stands beside keys.', -1, undefined);
      return nextLine(text, lineEnd);
    }
    at++;
    while (text.charCodeAt(at) === 32) at++;
    if (at >= lineEnd || text.charCodeAt(at) === 35) return nextLine(text, lineEnd);
  }
  return readContent(scan, at, at - line, lineEnd);
}

/**
 * Indentation by a tab says nothing: an entry goes to the mapping above. Where whole lines stand below each other behind tabs, they are
 * left to the parser.
 */
function readTabbed(scan: Scan, line: number, at: number, lineEnd: number): number {
  const isAlone = scan.text.charCodeAt(line) === 9 && !isTab(scan.text, line, -1) && !isTab(scan.text, lineEnd, 1);
  if (isAlone || colonOf(scan.text, at, lineEnd) < 0) {
    const level = scan.levels.findLast(({ kind }) => kind === 'mapping');
    leaveOut(scan, line, lineEnd, 'YAML cannot be indented with tabs.', level?.start ?? -1, keyOf(scan, at, lineEnd));
  }
  return nextLine(scan.text, lineEnd);
}

/** Whether the line before (-1) or behind (1) begins with a tab. */
function isTab(text: string, from: number, step: -1 | 1): boolean {
  const start = step === 1 ? nextLine(text, from) : text.lastIndexOf('\n', from - 2) + 1;
  return start !== from && text.charCodeAt(start) === 9;
}

/** False where no list can stand: beside keys, the last of which has its value. */
function openSequence({ levels }: Scan, start: number, column: number): boolean {
  closeDeeper(levels, column);
  const top = levels.at(-1);
  if (top?.column === column && top.kind === 'sequence') return true;
  if (top?.column === column && !top.awaits) return false;
  if (top !== undefined) top.awaits = false;
  levels.push({ kind: 'sequence', column, start, awaits: false });
  return true;
}

function closeDeeper(levels: Level[], column: number): void {
  for (let top = levels.at(-1); top !== undefined && top.column > column; top = levels.at(-1)) levels.pop();
}

/** What stands on a line behind its indentation and dashes. */
function readContent(scan: Scan, at: number, column: number, lineEnd: number): number {
  const { text, levels } = scan;
  closeDeeper(levels, column);
  const colon = colonOf(text, at, lineEnd);
  if (colon < 0) return readWord(scan, at, column, lineEnd);
  // A list under a key may stand at the key's own column; the next key ends it.
  const list = levels.at(-1)?.kind === 'sequence' && levels.at(-1)?.column === column ? levels.pop() : undefined;
  let level = levels.at(-1);
  const awaited = level?.awaits ?? false;
  if (level?.column !== column) {
    if (level !== undefined) level.awaits = false;
    level = { kind: 'mapping', column, start: at, awaits: false };
    levels.push(level);
  }
  const value = valueStart(text, colon + 1, lineEnd);
  level.awaits = value >= lineEnd || text.charCodeAt(value) === 35;
  if (level.awaits) return nextLine(text, lineEnd);
  if (/[|>]/.test(text.charAt(value))) return behindBlockText(text, nextLine(text, lineEnd), column);
  const next = readValue(scan, value, lineEnd, { column, at, siblings: level.start });
  if (scan.left.at(-1)?.start === at) {
    // The entry as a whole was left out, so the lines below see what was open above it.
    level.awaits = awaited;
    if (list !== undefined) levels.push(list);
  }
  return next;
}

/** A line without a colon: the beginning of an entry where keys stand at its column, else a value or part of one. */
function readWord(scan: Scan, at: number, column: number, lineEnd: number): number {
  const { text, levels } = scan;
  if (/^[?:](?:\s|$)/.test(text.slice(at, at + 2))) return nextLine(text, lineEnd);
  if (levels.at(-1)?.column === column) {
    // Beside the dashes of a list, or beside keys, also where a list stands at their column.
    const mapping = levels.findLast((level) => level.kind === 'mapping' && level.column === column);
    leaveOutEntry(scan, at, lineEnd, mapping?.start ?? -1);
    return nextLine(text, lineEnd);
  }
  const next = contentFrom(text, nextLine(text, lineEnd));
  const isFirst =
    next?.column === column && !isDash(text, next.start) && colonOf(text, next.start, endOfLine(text, next.start)) >= 0;
  if (isFirst) {
    leaveOutEntry(scan, at, lineEnd, next.start);
    return nextLine(text, lineEnd);
  }
  return readValue(scan, at, lineEnd, { column: levels.at(-1)?.column ?? -1, at: -1, siblings: -1 });
}

/** The key of a value: its place and that of the first key of its mapping, -1 where a value has no key. */
interface OwnKey {
  readonly column: number;
  readonly at: number;
  readonly siblings: number;
}

/** Passes over a quoted text or brackets, and leaves out what does not close. */
function readValue(scan: Scan, start: number, lineEnd: number, { column, at, siblings }: OwnKey): number {
  const { text } = scan;
  const opening = text.charAt(start);
  const stray = strayValue(scan, start, lineEnd);
  if (stray !== undefined) leaveOut(scan, start, lineEnd, stray, at, undefined);
  if (!/["'[{]/.test(opening)) return nextLine(text, lineEnd);
  const { end, isClosed } = endOfValue(text, start, column);
  if (!isClosed) {
    const what = opening === '"' || opening === "'" ? 'quote' : opening;
    const message = `This ${what} is never closed.`;
    const next = contentFrom(text, nextLine(text, endOfLine(text, end)));
    // Deeper lines and dashes below would become its value; they belong to the key above.
    const takesNext = next !== undefined && (isDash(text, next.start) ? next.column >= column : next.column > column);
    if (siblings !== at && takesNext) {
      leaveOut(scan, at, end, message, siblings, keyOf(scan, at, lineEnd));
    } else leaveOut(scan, start, end, message, at, undefined);
  }
  return nextLine(text, endOfLine(text, end));
}

/** What is wrong with a value that would make the parser lose the lines below it, or us the whole file. */
function strayValue({ text, left }: Scan, start: number, lineEnd: number): string | undefined {
  const opening = text.charAt(start);
  if (opening === ']' || opening === '}') return `This ${opening} closes nothing.`;
  // Only the first: a text with many such aliases is no YAML.
  if (opening !== '*' || left.length > 0) return undefined;
  const name = /^\*[\w-]*/.exec(text.slice(start, lineEnd))?.[0].slice(1) ?? '';
  if (name !== '' && new RegExp(`&${name}(?![\\w-])`).test(text.slice(0, start))) return undefined;
  return name === '' ? 'This alias has no name.' : `No anchor &${shown(name)} stands above this alias.`;
}

/** Behind the spaces, tags and anchors before a value. */
function valueStart(text: string, from: number, lineEnd: number): number {
  let at = from;
  for (;;) {
    while (at < lineEnd && (text.charCodeAt(at) === 32 || text.charCodeAt(at) === 9)) at++;
    if (text.charCodeAt(at) !== 38 && text.charCodeAt(at) !== 33) return at;
    while (at < lineEnd && text.charCodeAt(at) !== 32) at++;
  }
}

function leaveOutEntry(scan: Scan, start: number, lineEnd: number, anchor: number): void {
  const key = keyOf(scan, start, lineEnd);
  const written = shown(key.raw);
  const isGlued = scan.text.charCodeAt(key.end) === 58;
  const message = isGlued
    ? `A space is missing behind the colon of ${written}.`
    : `The key ${written} has no colon and no value.`;
  leaveOut(scan, start, lineEnd, message, anchor, key);
}

/** The key as typed so far: up to a colon, a comment or the end of the line, without its opening quote. */
function keyOf({ text, source }: Scan, start: number, lineEnd: number): TypedKey {
  const line = text.slice(start, lineEnd);
  const length = (/^(?:"[^"]*"?|'[^']*'?|(?:(?!\s#)[^:])+)/.exec(line)?.[0] ?? line).trimEnd().length;
  const written = source.slice(start, start + length);
  return { start, end: start + length, raw: written, text: written.replace(/^["']|["']$/g, '') };
}

function leaveOut(
  { text, left, spans }: Scan,
  start: number,
  end: number,
  message: string,
  anchor: number,
  key: HalfTyped['key'],
): void {
  spans.push({ start, end });
  left.push({ start, end: Math.min(end, endOfLine(text, start)), message, anchor, key });
}
