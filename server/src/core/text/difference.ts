import type { TextEdit } from './edit';

/** Lines compared with each other at most; beyond that the whole changed part is one edit. */
const MAX_CELLS = 1_000_000;

/** Edits that make one text of another: lines that both have are left alone, and so are the ends of changed lines. */
export function difference(before: string, after: string): TextEdit[] {
  const a = linesOf(before);
  const b = linesOf(after);
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const hunks = hunksOf(a.slice(head, a.length - tail), b.slice(head, b.length - tail));
  let at = a.slice(0, head).reduce((sum, line) => sum + line.length, 0);
  return hunks.flatMap(({ kept, removed, added }) => {
    const start = at + kept.length;
    at = start + removed.length;
    return removed === added ? [] : [trimmed(start, removed, added)];
  });
}

interface Hunk {
  /** Text that both have, then what gives way to what. */
  readonly kept: string;
  readonly removed: string;
  readonly added: string;
}

/** Each line with its line end. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** By the longest common subsequence of lines. */
function hunksOf(a: readonly string[], b: readonly string[]): Hunk[] {
  if (a.length * b.length > MAX_CELLS) return [{ kept: '', removed: a.join(''), added: b.join('') }];
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number): number => longest[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      longest[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const hunks: Hunk[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    let kept = '';
    for (; i < a.length && j < b.length && a[i] === b[j]; i++, j++) kept += a[i];
    let [removed, added] = ['', ''];
    while ((i < a.length || j < b.length) && !(i < a.length && j < b.length && a[i] === b[j])) {
      if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1))) removed += a[i++] ?? '';
      else added += b[j++] ?? '';
    }
    hunks.push({ kept, removed, added });
  }
  return hunks;
}

/** Without what both begin and end with; never between the two units of a line end or of a character. */
function trimmed(start: number, removed: string, added: string): TextEdit {
  const most = Math.min(removed.length, added.length);
  let head = 0;
  while (head < most && removed[head] === added[head]) head++;
  let tail = 0;
  while (tail < most - head && removed[removed.length - 1 - tail] === added[added.length - 1 - tail]) tail++;
  if (splits(removed, head) || splits(added, head)) head--;
  if (splits(removed, removed.length - tail) || splits(added, added.length - tail)) tail--;
  return {
    start: start + head,
    end: start + removed.length - tail,
    newText: added.slice(head, added.length - tail),
  };
}

function splits(text: string, at: number): boolean {
  const [before, behind] = [text.charCodeAt(at - 1), text.charCodeAt(at)];
  return (
    (before === 13 && behind === 10) || (before >= 0xd800 && before < 0xdc00 && behind >= 0xdc00 && behind < 0xe000)
  );
}
