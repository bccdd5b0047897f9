import { editsBetween } from './diff';
import type { TextEdit } from './edit';

/** As {@link editsBetween}, but the ends of changed lines that both texts have are left alone too. */
export function difference(before: string, after: string): TextEdit[] {
  return editsBetween(before, after).map(({ start, end, newText }) =>
    trimmed(start, before.slice(start, end), newText),
  );
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
