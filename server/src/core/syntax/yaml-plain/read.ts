import type { Tree } from '../node';
import { readBlock } from './blocks';
import { Cursor } from './cursor';
import { isBlank } from './units';

/**
 * Reads the YAML that people write by hand, in one pass over the text: block mappings and lists, texts on one line, lists and
 * mappings in brackets, `|` texts, comments. The result is the very tree that the YAML package leads to. Anything else is refused
 * with undefined: anchors, tags, other texts over several lines, several documents, tabs, and whatever has a fault. When in doubt
 * it refuses, which costs time but changes nothing.
 */
export function readPlainYaml(text: string): Tree | undefined {
  const cursor = new Cursor(text);
  if (!cursor.beginLine(0)) cursor.nextLine();
  if (isMarker(cursor)) {
    cursor.at += 3;
    cursor.endLine();
  }
  if (cursor.column < 0) return undefined;
  const root = readBlock(cursor, -1);
  if (cursor.isRefused || cursor.column >= 0) return undefined;
  return { format: 'yaml', root, problems: cursor.problems.list };
}

/** Whether the `---` before a document begins at the cursor. */
function isMarker({ text, at, column }: Cursor): boolean {
  return column === 0 && text.startsWith('---', at) && isBlank(text, at + 3);
}
