import type { ReadResult } from '../source';

/** Names of config files that a text holds; undefined where escapes may spell them otherwise. */
const held = new WeakMap<ReadResult, ReadonlySet<string> | 'any'>();

/**
 * Whether a text may name a file, by its last part. A data file of megabytes may lie beside a hundred configs, each of which
 * asks: it is searched once, for all names.
 */
export function mayName(read: ReadResult, name: string): boolean {
  if (!read.ok) return false;
  let names = held.get(read);
  if (!names) {
    names = read.text.includes('\\') ? 'any' : namesIn(read.text);
    held.set(read, names);
  }
  if (names === 'any') return true;
  return PLAIN_NAME.test(name) ? names.has(name) : read.text.includes(name);
}

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
    names.add(text.slice(start, index + ending.length));
  }
  return names;
}

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
