import { kept } from '../kept';
import type { ReadResult } from '../source';

/** Names of config files that a text holds; undefined where escapes may spell them otherwise. */
const held = kept<ReadResult, ReadonlySet<string> | 'any'>();

/**
 * Whether a text may name a file, by its last part. A data file of megabytes may lie beside a hundred configs, each of which
 * asks: it is searched once, for all names.
 */
export function mayName(read: ReadResult, name: string): boolean {
  if (!read.ok) return false;
  let names = held.get(read);
  if (!names) {
    names = ESCAPED_PART.test(read.text) ? 'any' : namesIn(read.text);
    held.set(read, names);
  }
  if (names === 'any') return true;
  if (PLAIN_NAME.test(name)) return names.has(name);
  return read.text.includes(name) || read.text.includes('\\');
}

/**
 * A letter, a digit or one of `_.-` written by its number, as JSON and YAML may, or a line end that YAML leaves out: a name may go on
 * behind it. Other escapes end a name, and data files are full of those.
 */
const ESCAPED_PART = /\\(?:\r?\n|(?:x|u00|U000000)(?:2[de]|3\d|[46][1-9a-f]|[57][0-9a]|[46]0|5f))/i;

/** What {@link namesIn} finds whole. */
const PLAIN_NAME = /^[\w.-]+\.(?:jsonc?|ya?ml)$/;
/** No file system has longer ones; a text that is one long name would be walked over and over. */
const LONGEST_NAME = 255;
const ENDING = /\.(?:jsonc?|ya?ml)(?![\w-])/g;

function namesIn(text: string): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { 0: ending, index } of text.matchAll(ENDING)) {
    let start = index;
    while (start > index - LONGEST_NAME && isPartOfName(text.charCodeAt(start - 1))) start--;
    const name = text.slice(start, index + ending.length);
    names.add(name);
    if (text[start - 1] === '\\') names.add(name.replace(END_OF_ESCAPE, ''));
  }
  return names;
}

/** Of `\n`, `\x20` or `\u0020` in front of a name, what stands behind the backslash. */
const END_OF_ESCAPE = /^(?:x[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|\w)/;

/** `\w`, dot or hyphen. */
function isPartOfName(unit: number): boolean {
  return (
    (unit >= 97 && unit <= 122) ||
    (unit >= 65 && unit <= 90) ||
    (unit >= 48 && unit <= 57) ||
    unit === 95 ||
    unit === 46 ||
    unit === 45
  );
}
