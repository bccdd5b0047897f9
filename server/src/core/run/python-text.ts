/** Where a value stands in a text, blanks and comments around it left off. */
export interface PythonValue {
  readonly start: number;
  readonly end: number;
}

/** Arguments of a call or entries of a dict by their names. */
export interface PythonEntries {
  readonly values: ReadonlyMap<string, PythonValue>;
  /** `**more` may name anything that is not written here. */
  readonly open: boolean;
}

/** A Python text by its brackets. Nothing is run: what is no literal stays unknown. */
export interface PythonText {
  readonly text: string;
  /** The text with comments and what strings hold made blank, every other character at its own place. */
  readonly code: string;
  /** The closing bracket of each opening one. */
  readonly closes: ReadonlyMap<number, number>;
}

const TOKEN = /#|"""|'''|["']|[([{]|[)\]}]/g;

/** What ends a string, after escapes; one of a single line ends with it, as where it is being typed. */
const STRING_ENDS: Readonly<Record<string, RegExp>> = {
  '"""': /\\[\s\S]|"""/g,
  "'''": /\\[\s\S]|'''/g,
  '"': /\\[\s\S]|["\n]/g,
  "'": /\\[\s\S]|['\n]/g,
};

/** Reads strings, comments and brackets in one pass. */
export function readPython(text: string): PythonText {
  const closes = new Map<number, number>();
  const opened: number[] = [];
  let code = '';
  let done = 0;
  TOKEN.lastIndex = 0;
  for (let token = TOKEN.exec(text); token; token = TOKEN.exec(text)) {
    const [mark] = token;
    if ('([{'.includes(mark)) opened.push(token.index);
    else if (')]}'.includes(mark)) {
      const open = opened.pop();
      if (open !== undefined) closes.set(open, token.index);
    } else {
      const [start, end] = mark === '#' ? [token.index, lineEnd(text, token.index)] : insideOf(text, token.index, mark);
      code += text.slice(done, start) + ' '.repeat(end - start);
      done = end;
      TOKEN.lastIndex = mark === '#' ? end : Math.min(end + mark.length, text.length);
    }
  }
  return { text, code: code + text.slice(done), closes };
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

function insideOf(text: string, at: number, quotes: string): [start: number, end: number] {
  const ends = STRING_ENDS[quotes] ?? TOKEN;
  ends.lastIndex = at + quotes.length;
  let found = ends.exec(text);
  while (found?.[0].startsWith('\\')) found = ends.exec(text);
  return [at + quotes.length, found?.index ?? text.length];
}

/** Named arguments or dict entries between an opening bracket and its own closing one; undefined where none closes it. */
export function entriesAt(python: PythonText, open: number): PythonEntries | undefined {
  const close = python.closes.get(open);
  if (close === undefined) return undefined;
  const values = new Map<string, PythonValue>();
  let spread = false;
  for (const { start, end } of piecesOf(python, open + 1, close)) {
    const piece = python.code.slice(start, end);
    const named = /^\s*(?:(\w+)\s*=(?!=)|["']( *)["']\s*:)\s*/.exec(piece);
    spread ||= /^\s*\*\*/.test(piece);
    if (!named) continue;
    const quoted = start + piece.search(/\S/) + 1;
    const name = named[1] ?? python.text.slice(quoted, quoted + (named[2]?.length ?? 0));
    values.set(name, { start: start + named[0].length, end: start + piece.trimEnd().length });
  }
  return { values, open: spread };
}

/** The parts that commas divide, leaving out commas in brackets. */
function piecesOf({ code, closes }: PythonText, from: number, to: number): PythonValue[] {
  const pieces: PythonValue[] = [];
  let start = from;
  for (let i = from; i <= to; i++) {
    const inner = i < to ? closes.get(i) : undefined;
    if (inner !== undefined) i = inner;
    else if (i === to || code[i] === ',') {
      pieces.push({ start, end: i });
      start = i + 1;
    }
  }
  return pieces;
}

/** A number, a name such as `True`, or a string that is the whole value: no f-string, nothing joined to it, no `if` behind it. */
export function literalAt(
  { text }: PythonText,
  value: PythonValue | undefined,
): { value: string; at: number } | undefined {
  if (!value) return undefined;
  const written = text.slice(value.start, value.end);
  if (/^\d+$|^(?:True|False|None)$/.test(written)) return { value: written, at: value.start };
  const found = /^[rRuU]?(["'])([^"'\\\r\n]*)\1$/.exec(written);
  return found ? { value: found[2] ?? '', at: value.end - 1 - (found[2]?.length ?? 0) } : undefined;
}
