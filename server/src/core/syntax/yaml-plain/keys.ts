import type { ScalarNode } from '../node';
import type { Cursor } from './cursor';
import { COLON, isBlank } from './units';

/** The `yaml` package wants the colon within this many units of its key, as YAML does (1.1, section 9.3). */
const MAX_KEY_UNITS = 1024;

/** Whether the text before the cursor is a key: a colon with a blank behind it comes next. */
export function isKey(cursor: Cursor): boolean {
  const { text } = cursor;
  cursor.skipSpaces();
  return cursor.at < text.length && text.charCodeAt(cursor.at) === COLON && isBlank(text, cursor.at + 1);
}

/** Passes over the colon of a key and the spaces behind it; without colon the text is refused. */
export function takeColon(cursor: Cursor, key: ScalarNode): void {
  if (!isKey(cursor) || cursor.at - key.start > MAX_KEY_UNITS) {
    cursor.refuse();
    return;
  }
  cursor.at++;
  cursor.skipSpaces();
}

/** As {@link takeColon}, inside brackets: behind quotes, as in JSON, the blank may be missing. */
export function takeFlowColon(cursor: Cursor, key: ScalarNode): void {
  const isGlued = key.style !== 'plain' && cursor.text.startsWith(':', key.end);
  if (!isGlued) {
    takeColon(cursor, key);
    return;
  }
  cursor.at = key.end + 1;
  cursor.skipSpaces();
}
