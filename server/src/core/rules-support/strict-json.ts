import type { FileEdit } from '../findings';
import type { SourceFile } from '../source';
import { editOf, lineEnd, lineStart, nextLine } from '../syntax/edit-text';
import type { SyntaxProblem } from '../syntax/node';

/**
 * The edit that makes strict JSON of a place that only Hjson reads, where its meaning stays what the writer saw: commas and quotes. A
 * comment can only go, which its writer decides. A word without quotes has none: what was meant by it is not known.
 */
export function strictJsonFix(
  file: SourceFile,
  { start, end }: SyntaxProblem,
): { readonly title: string; readonly preferred: boolean; readonly edits: readonly FileEdit[] } | undefined {
  const { text } = file;
  const written = text.slice(start, end);
  if (written === ',') return { title: 'Remove this comma', preferred: true, edits: [editOf(file, start, end, '')] };
  if (written === '') {
    // Behind a value; an empty file and missing outer braces are reported at such a place too.
    const isBehindValue = /["\w\]}]\s*$/.test(text.slice(0, start)) && /^\s*["{[\w-]/.test(text.slice(start));
    return isBehindValue
      ? { title: 'Add the comma', preferred: true, edits: [editOf(file, start, start, ',')] }
      : undefined;
  }
  if (/^(?:\/\/|\/\*|#)/.test(written)) {
    return { title: 'Remove this comment', preferred: false, edits: [removalOf(file, start, end)] };
  }
  const quoted = /^'([^'"\\\n]*)'$/.exec(written)?.[1];
  if (quoted !== undefined) {
    return { title: `Write "${quoted}"`, preferred: true, edits: [editOf(file, start, end, `"${quoted}"`)] };
  }
  const isKey = /^[\w.-]+$/.test(written) && /^\s*:/.test(text.slice(end));
  return isKey
    ? { title: `Write "${written}"`, preferred: true, edits: [editOf(file, start, end, `"${written}"`)] }
    : undefined;
}

/** With its line where it has one to itself, else with the white space before it. */
function removalOf(file: SourceFile, start: number, end: number): FileEdit {
  const { text } = file;
  const isAlone =
    text.slice(lineStart(text, start), start).trim() === '' && text.slice(end, lineEnd(text, end)).trim() === '';
  if (isAlone) return editOf(file, lineStart(text, start), nextLine(text, end), '');
  let first = start;
  if (end === lineEnd(text, end)) while (/[ \t]/.test(text.charAt(first - 1))) first--;
  return editOf(file, first, end, '');
}
