import type { FileEdit } from '../findings';
import type { SourceFile } from '../source';
import { renameKey, replaceValue } from '../syntax/editing';
import type { Entry } from '../syntax/node';

/** Gives an entry another key and value; no edit where the text breaks off before its value. */
export function applyReplacement(file: SourceFile, entry: Entry, key: string, value: unknown): readonly FileEdit[] {
  if (!entry.value) return [];
  return [...renameKey(file, entry, key), ...replaceValue(file, entry.value, value)];
}
