/** Texts that only Hjson reads: single quotes, triple quotes and one escape. After hjson 3.1.0, decoder.py scanstring and mlscanstring. */

export interface HjsonText {
  readonly end: number;
  readonly value: string;
  /** False where the closing quote is missing; the text then ends with its line, or with the file for triple quotes. */
  readonly closed: boolean;
}

/** Reads the single- or triple-quoted text that begins at `start`. */
export function readSingleQuoted(text: string, start: number): HjsonText {
  if (text.startsWith("'''", start)) return readTripleQuoted(text, start);
  let end = start + 1;
  while (end < text.length && text.charCodeAt(end) !== 39) {
    const unit = text.charCodeAt(end);
    if (unit === 10 || unit === 13) break;
    end += unit === 92 ? 2 : 1;
  }
  const closed = text.charCodeAt(end) === 39;
  const value = unescapeHjson(text.slice(start + 1, Math.min(end, text.length)));
  return { end: Math.min(closed ? end + 1 : end, text.length), value, closed };
}

/** Lines lose the indentation of the opening quotes; the first and the last line end are not part of the text. */
function readTripleQuoted(text: string, start: number): HjsonText {
  const found = text.indexOf("'''", start + 3);
  const closed = found >= 0;
  const inner = text.slice(start + 3, closed ? found : text.length).replaceAll('\r', '');
  const lineStart = Math.max(text.lastIndexOf('\n', start), -1) + 1;
  const indent = new RegExp(`^[ \\t]{0,${start - lineStart}}`);
  const [first = '', ...rest] = inner.split('\n');
  const lines = rest.map((line) => line.replace(indent, ''));
  const head = first.trimStart();
  const value = (head === '' ? lines : [head, ...lines]).join('\n');
  return { end: closed ? found + 3 : text.length, value: value.endsWith('\n') ? value.slice(0, -1) : value, closed };
}

/** The text of a quoted string whose escapes are JSON's or `\\'`. */
export function unescapeHjson(inner: string): string {
  return inner.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/g, (_, code: string | undefined, unit: string | undefined) =>
    code === undefined ? (ESCAPES[unit ?? ''] ?? unit ?? '') : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

/** True when every escape between the quotes is one that Hjson knows. */
export function hasOnlyHjsonEscapes(text: string, start: number, end: number): boolean {
  for (let at = text.indexOf('\\', start); at >= 0 && at < end; at = text.indexOf('\\', at + 2)) {
    const unit = text.charAt(at + 1);
    if (unit === 'u' ? !/^[0-9a-fA-F]{4}$/.test(text.slice(at + 2, at + 6)) : !'"\'\\/bfnrt'.includes(unit))
      return false;
  }
  return true;
}

const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** The offset of the line end at or after `from`, or the end of the text. */
export function endOfLine(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) !== 10 && text.charCodeAt(at) !== 13) at++;
  return at;
}
