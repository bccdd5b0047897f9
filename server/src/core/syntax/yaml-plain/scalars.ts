import type { ScalarNode } from '../node';
import { resolvePlain } from '../python-scalar';
import { scalarNode } from '../scalar-node';
import { isTemplated } from '../template';
import type { Cursor } from './cursor';
import {
  BACKSLASH,
  COLON,
  DASH,
  DOT,
  DOUBLE_QUOTE,
  HASH,
  isBlank,
  isFlowIndicator,
  SINGLE_QUOTE,
  SPACE,
} from './units';

/** The text at the cursor, in quotes or without, which ends on its line; `isFlow` inside brackets. */
export function readText(cursor: Cursor, isFlow: boolean): ScalarNode {
  const { text, at } = cursor;
  const first = at < text.length ? text.charCodeAt(at) : 0;
  if (first === DOUBLE_QUOTE) return readDouble(cursor);
  if (first === SINGLE_QUOTE) return readSingle(cursor);
  if (!beginsPlain(text, at, first)) return refused(cursor);
  const end = plainEnd(text, at, isFlow);
  const raw = text.slice(at, end);
  // PyYAML gives these two a meaning of their own.
  if (raw === '<<' || raw === '=') return refused(cursor);
  cursor.at = end;
  return scalarNode(at, end, raw, 'plain', resolvePlain(raw), isTemplated(raw));
}

/** A value that is not written, which PyYAML takes for None. */
export function emptyNode(at: number): ScalarNode {
  return scalarNode(at, at, '', 'plain', { type: 'null', value: null }, false);
}

/** Stands in the place of what was refused. */
export function refused(cursor: Cursor): ScalarNode {
  cursor.refuse();
  return emptyNode(cursor.at);
}

/** What begins an anchor, a tag, brackets and so on begins no plain text; nor does an item's dash, or what parts documents. */
function beginsPlain(text: string, at: number, first: number): boolean {
  if (first === DASH || first === DOT) {
    if ((text.startsWith('---', at) || text.startsWith('...', at)) && isBlank(text, at + 3)) return false;
    const following = at + 1 < text.length ? text.charCodeAt(at + 1) : 0;
    return first === DOT || (following > SPACE && !isFlowIndicator(following));
  }
  return first > SPACE && !NO_BEGINNINGS.has(first);
}

/** YAML's indicators, and the byte order mark, which the package takes for none of the text at the start of a document. */
const NO_BEGINNINGS: ReadonlySet<number> = new Set([...'-?:,[]{}#&*!|>\'"%@`\ufeff'].map((unit) => unit.charCodeAt(0)));

/** Plain text ends before `: `, ` #` and the end of its line; inside brackets, before a comma or bracket as well. */
function plainEnd(text: string, start: number, isFlow: boolean): number {
  let end = start;
  for (let at = start; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === SPACE) {
      if (text.charCodeAt(at + 1) === HASH) break;
      continue;
    }
    if (unit < SPACE || (isFlow && isFlowIndicator(unit))) break;
    if (unit === COLON && (isBlank(text, at + 1) || (isFlow && isFlowIndicator(text.charCodeAt(at + 1))))) break;
    end = at + 1;
  }
  return end;
}

function readSingle(cursor: Cursor): ScalarNode {
  const { text, at: start } = cursor;
  let hasQuotes = false;
  for (let at = start + 1; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < SPACE) break;
    if (unit !== SINGLE_QUOTE) continue;
    if (at + 1 < text.length && text.charCodeAt(at + 1) === SINGLE_QUOTE) {
      hasQuotes = true;
      at++;
      continue;
    }
    const inner = text.slice(start + 1, at);
    return quotedNode(cursor, at + 1, 'single', hasQuotes ? inner.replaceAll("''", "'") : inner);
  }
  return refused(cursor);
}

function readDouble(cursor: Cursor): ScalarNode {
  const { text, at: start } = cursor;
  let hasEscapes = false;
  for (let at = start + 1; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < SPACE) break;
    if (unit === BACKSLASH) {
      hasEscapes = true;
      at++;
      if (!'\\"nt/'.includes(text.charAt(at))) break;
    } else if (unit === DOUBLE_QUOTE) {
      const inner = text.slice(start + 1, at);
      return quotedNode(cursor, at + 1, 'double', hasEscapes ? inner.replace(/\\(.)/g, unescaped) : inner);
    }
  }
  return refused(cursor);
}

function unescaped(_: string, unit: string): string {
  return unit === 'n' ? '\n' : unit === 't' ? '\t' : unit;
}

function quotedNode(cursor: Cursor, end: number, style: 'single' | 'double', value: string): ScalarNode {
  const start = cursor.at;
  cursor.at = end;
  return textNode(start, end, cursor.text.slice(start, end), style, value);
}

/** A scalar that is text however it reads. */
export function textNode(
  start: number,
  end: number,
  raw: string,
  style: ScalarNode['style'],
  value: string,
): ScalarNode {
  return scalarNode(start, end, raw, style, { type: 'string', value }, isTemplated(raw) || isTemplated(value));
}
