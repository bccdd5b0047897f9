import type { TextEdit } from './edit';

/** Beyond this many lines in the changed middle, the middle is replaced as one piece. */
const MOST_LINES = 2000;

/**
 * The edits from one text to another, line by line: what stays is not touched, so that cursors, folds and markers keep their
 * places and a preview shows what changes. Sorted by place.
 */
export function editsBetween(from: string, to: string): TextEdit[] {
  const a = linesOf(from);
  const b = linesOf(to);
  let head = 0;
  while (head < Math.min(a.length, b.length) && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < Math.min(a.length, b.length) - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const middle = [a.slice(head, a.length - tail), b.slice(head, b.length - tail)] as const;
  const start = a.slice(0, head).join('').length;
  return hunks(...middle, start);
}

/** Lines with their ends. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function hunks(a: readonly string[], b: readonly string[], offset: number): TextEdit[] {
  if (a.length === 0 && b.length === 0) return [];
  if (a.length * b.length > MOST_LINES * MOST_LINES)
    return [{ start: offset, end: offset + a.join('').length, newText: b.join('') }];
  const common = commonLines(a, b);
  const edits: TextEdit[] = [];
  let at = offset;
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      at += a[i]?.length ?? 0;
      i++;
      j++;
      continue;
    }
    const start = at;
    let newText = '';
    // The longer remaining common part tells which side to step.
    while ((i < a.length || j < b.length) && !(i < a.length && j < b.length && a[i] === b[j])) {
      const skipA = common[(i + 1) * (b.length + 1) + j] ?? -1;
      const skipB = common[i * (b.length + 1) + j + 1] ?? -1;
      if (i < a.length && (j >= b.length || skipA >= skipB)) at += a[i++]?.length ?? 0;
      else newText += b[j++];
    }
    edits.push({ start, end: at, newText });
  }
  return edits;
}

/** For each pair of starts the number of lines the rests have in common, as a flat table. */
function commonLines(a: readonly string[], b: readonly string[]): Uint32Array {
  const width = b.length + 1;
  const table = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      table[i * width + j] =
        a[i] === b[j]
          ? (table[(i + 1) * width + j + 1] ?? 0) + 1
          : Math.max(table[(i + 1) * width + j] ?? 0, table[i * width + j + 1] ?? 0);
    }
  }
  return table;
}
