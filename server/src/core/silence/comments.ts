import type { SourceFile } from '../source';
import { lineEnd, lineStart, nextLine } from '../syntax/edit-text';
import type { Node, Tree } from '../syntax/node';

/** A comment that asks for silence: `# shardlens-ignore: rule-id reason`, or `shardlens-ignore-file` for the whole file. */
export interface IgnoreComment {
  /** The whole comment, its `#` or `//` included. */
  readonly start: number;
  readonly end: number;
  readonly scope: 'setting' | 'file';
  /** Nothing else stands on its line. */
  readonly isOwnLine: boolean;
  readonly rules: readonly IgnoredRule[];
  /** Findings that begin in this span are meant; undefined where the comment stands at no setting, or too late for the file. */
  readonly covers: { readonly start: number; readonly end: number } | undefined;
}

/** One rule id named by such a comment. */
export interface IgnoredRule {
  readonly id: string;
  readonly start: number;
  readonly end: number;
}

/** What such a comment begins with. */
export const IGNORE = 'shardlens-ignore';

const FILE_SUFFIX = '-file';

const RULE_ID = /[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*/y;

/** Places looked at and rules taken in one file; what stands beyond them is shown, since no file asks so often in earnest. */
const MAX_PLACES = 256;
const MAX_RULES = 512;

/** The ignore comments of a file in the order written. Most files have none, and are told so by one search. */
export function ignoreComments(file: SourceFile): readonly IgnoreComment[] {
  const found: IgnoreComment[] = [];
  let places = 0;
  let rules = 0;
  for (let at = file.text.indexOf(IGNORE); at >= 0; at = file.text.indexOf(IGNORE, at + IGNORE.length)) {
    if (++places > MAX_PLACES || rules >= MAX_RULES) break;
    const start = openingBefore(file, at);
    if (start === undefined || isInValue(file.tree, start)) continue;
    const comment = commentAt(file, start, at);
    found.push(comment);
    rules += comment.rules.length;
  }
  return found;
}

/** Where the comment begins whose first word stands at `at`. */
function openingBefore({ text, tree }: SourceFile, at: number): number | undefined {
  let end = at;
  while (text.charCodeAt(end - 1) === 32 || text.charCodeAt(end - 1) === 9) end--;
  if (text.charAt(end - 1) === '#') {
    const isApart = end - 1 === lineStart(text, at) || /\s/.test(text.charAt(end - 2));
    return tree.format === 'json' || isApart ? end - 1 : undefined;
  }
  const opening = text.slice(end - 2, end);
  return tree.format === 'json' && (opening === '//' || opening === '/*') ? end - 2 : undefined;
}

/** Whether a place is part of a key or value, as a `#` in a quoted text or in a block of text is. */
function isInValue({ root }: Tree, at: number): boolean {
  const waiting: Node[] = root ? [root] : [];
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    if (node.start > at || node.end <= at) continue;
    if (node.kind === 'scalar') {
      // The line that opens a block text (`key: | # comment`) is not yet the text.
      if (node.style !== 'block' || /[\r\n]/.test(node.raw.slice(0, at - node.start))) return true;
    } else if (node.kind === 'sequence') waiting.push(...node.items);
    else
      for (const { start, end, keyNode, value } of node.entries)
        if (start <= at && at < end) waiting.push(keyNode, ...(value ? [value] : []));
  }
  return false;
}

function commentAt(file: SourceFile, start: number, at: number): IgnoreComment {
  const { text } = file;
  const isBlock = text.startsWith('/*', start);
  const close = isBlock ? text.indexOf('*/', start) : -1;
  const bodyEnd = isBlock && close >= 0 ? close : lineEnd(text, start);
  const end = isBlock && close >= 0 ? close + 2 : bodyEnd;
  const isFile = text.startsWith(FILE_SUFFIX, at + IGNORE.length);
  const isOwnLine =
    text.slice(lineStart(text, start), start).trim() === '' && text.slice(end, lineEnd(text, end)).trim() === '';
  const scope = isFile ? 'file' : 'setting';
  return {
    start,
    end,
    scope,
    isOwnLine,
    rules: rulesIn(text, at + IGNORE.length + (isFile ? FILE_SUFFIX.length : 0), bodyEnd),
    covers: isFile ? wholeFile(file, start) : settingAt(file, start, isOwnLine),
  };
}

/** The ids behind the colon: separated by commas, and the reason behind the last. */
function rulesIn(text: string, from: number, end: number): IgnoredRule[] {
  const rules: IgnoredRule[] = [];
  let at = skipSpaces(text, from);
  if (text.charAt(at) !== ':') return rules;
  do {
    RULE_ID.lastIndex = skipSpaces(text, at + 1);
    const match = RULE_ID.exec(text.slice(0, end));
    if (!match) break;
    rules.push({ id: match[0], start: match.index, end: RULE_ID.lastIndex });
    at = skipSpaces(text, RULE_ID.lastIndex);
  } while (text.charAt(at) === ',' && rules.length < MAX_RULES);
  return rules;
}

function skipSpaces(text: string, at: number): number {
  let next = at;
  while (text.charCodeAt(next) === 32 || text.charCodeAt(next) === 9) next++;
  return next;
}

function wholeFile({ text, tree }: SourceFile, start: number): IgnoreComment['covers'] {
  return tree.root === undefined || start < tree.root.start ? { start: 0, end: text.length } : undefined;
}

/** The setting that begins on the comment's line, or on the next line that is no comment; with all that it holds. */
function settingAt({ text, tree }: SourceFile, start: number, isOwnLine: boolean): IgnoreComment['covers'] {
  let line = lineStart(text, start);
  while (isOwnLine && line < text.length && isCommentOrBlank(text.slice(line, lineEnd(text, line)), tree.format)) {
    line = nextLine(text, line);
  }
  if (line >= text.length) return undefined;
  const end = lineEnd(text, line);
  const spans = spansTouching(tree, line, end);
  const begun = spans.filter((span) => span.start >= line && span.start <= end);
  if (begun.length > 0) return { start: line, end: Math.max(end, ...begun.map((span) => span.end)) };
  // The last line of a list or block: what ends here and is the smallest.
  const closed = spans.filter((span) => span.end >= line && span.end <= end);
  const smallest = closed.reduce<(typeof closed)[number] | undefined>(
    (best, span) => (best && best.start >= span.start ? best : span),
    undefined,
  );
  return { start: smallest?.start ?? line, end };
}

function isCommentOrBlank(line: string, format: Tree['format']): boolean {
  const text = line.trim();
  if (text === '' || text.startsWith('#')) return true;
  return (
    format === 'json' && (text.startsWith('//') || (text.startsWith('/*') && text.indexOf('*/') === text.length - 2))
  );
}

/** Entries and list items that reach into a line. */
function spansTouching({ root }: Tree, start: number, end: number): { readonly start: number; readonly end: number }[] {
  const found: { readonly start: number; readonly end: number }[] = [];
  const waiting: Node[] = root ? [root] : [];
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    if (node.kind === 'scalar') continue;
    for (const child of node.kind === 'sequence' ? node.items : node.entries) {
      if (child.start > end || child.end < start) continue;
      found.push(child);
      const inner = 'key' in child ? child.value : child;
      if (inner && inner.start >= child.start && inner.end <= child.end) waiting.push(inner);
    }
  }
  return found;
}
