import type { CompletionPlace } from './completion-place';

interface Line {
  readonly start: number;
  readonly text: string;
}

/** An entry of a block mapping as one line shows it. */
interface LineEntry {
  readonly indent: number;
  readonly isItem: boolean;
  readonly key: string;
}

/**
 * The place of an offset in YAML text, found by the lines above it: what is typed has no node yet, and its indentation
 * says where it belongs. Flow mappings and block scalars are left alone.
 */
export function yamlPlace(text: string, offset: number): CompletionPlace | undefined {
  const lines = linesOf(text);
  const number = lines.findIndex(({ start, text: line }) => offset >= start && offset <= start + line.length);
  const line = lines[number];
  if (!line) return undefined;
  const before = line.text.slice(0, offset - line.start);
  if (/(?:^|\s)#/.test(before)) return undefined;
  const value = /^(\s*(?:- +)*)([\w.-]+|"[^"]*"|'[^']*'):\s+(\S*)$/.exec(before);
  if (value) return valuePlace(lines, number, line, value);
  const key = /^(\s*(?:- +)*)([\w.-]*)$/.exec(before);
  if (!key) return undefined;
  const indent = (key[1] ?? '').length;
  const start = line.start + indent;
  const rest = /^[\w.-]*/.exec(line.text.slice(indent))?.[0] ?? '';
  const around = surroundings(lines, number, indent);
  return {
    kind: 'key',
    path: around.path,
    key: undefined,
    start,
    end: start + rest.length,
    present: around.present,
    hasValue: /^\s*:/.test(line.text.slice(indent + rest.length)),
    commaAfter: false,
    commaAt: undefined,
  };
}

function valuePlace(
  lines: readonly Line[],
  number: number,
  line: Line,
  match: RegExpExecArray,
): CompletionPlace | undefined {
  const [whole, space = '', key = '', typed = ''] = match;
  if (/^[[{|>&*]/.test(typed)) return undefined;
  const start = line.start + whole.length - typed.length;
  const token = /^(?:"[^"]*"?|'[^']*'?|[^\s#]*)/.exec(line.text.slice(start - line.start))?.[0] ?? '';
  return {
    kind: 'value',
    path: surroundings(lines, number, space.length).path,
    key: key.replace(/^["']|["']$/g, ''),
    start,
    end: start + token.length,
    present: [],
    hasValue: false,
    commaAfter: false,
    commaAt: undefined,
  };
}

/** The sections above a line of some indentation, and the keys that stand beside it. */
function surroundings(lines: readonly Line[], number: number, indent: number): { path: string[]; present: string[] } {
  const path: string[] = [];
  const present: string[] = [];
  let level = indent;
  for (let i = number - 1; i >= 0; i--) {
    const entry = entryOf(lines[i]?.text ?? '');
    if (!entry) continue;
    if (entry.indent === indent && level === indent) present.push(entry.key);
    if (entry.isItem && entry.indent === level && level === indent) {
      path.unshift('0');
      level = entry.indent - 1;
    } else if (entry.indent < level) {
      path.unshift(entry.key);
      level = entry.indent;
      if (entry.isItem) path.unshift('0');
    }
  }
  for (let i = number + 1; i < lines.length; i++) {
    const entry = entryOf(lines[i]?.text ?? '');
    if (!entry) continue;
    if (entry.indent < indent) break;
    if (entry.indent === indent) present.push(entry.key);
  }
  return { path, present };
}

function entryOf(text: string): LineEntry | undefined {
  const match = /^(\s*)((?:- +)*)([\w.-]+|"[^"]*"|'[^']*')\s*:(?:\s|$)/.exec(text);
  if (!match) return undefined;
  const [, space = '', dashes = '', key = ''] = match;
  return { indent: space.length + dashes.length, isItem: dashes !== '', key: key.replace(/^["']|["']$/g, '') };
}

function linesOf(text: string): readonly Line[] {
  const lines: Line[] = [];
  let start = 0;
  for (let i = 0; i <= text.length; i++) {
    if (i < text.length && text.charCodeAt(i) !== 10) continue;
    const end = i > start && text.charCodeAt(i - 1) === 13 ? i - 1 : i;
    lines.push({ start, text: text.slice(start, end) });
    start = i + 1;
  }
  return lines;
}
