import type { FileEdit } from '../findings';
import type { Setting } from '../settings';
import { replaceValue } from '../syntax/editing';

/** Sets a group size to the largest one below it that divides the ranks; none where that is 1, which switches the groups off. */
export function divisorFix(found: Setting, size: number, ranks: number): { title: string; edits: FileEdit[] }[] {
  const { node, config, path } = found;
  if (!node) return [];
  for (let smaller = Math.min(size, ranks); smaller > 1; smaller--) {
    if (ranks % smaller !== 0) continue;
    return [{ title: `Set ${path} to ${smaller}`, edits: [...replaceValue(config.file, node, smaller)] }];
  }
  return [];
}
