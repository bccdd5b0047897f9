import type { Node } from './node';
import type { SyntaxProblems } from './syntax-problems';
import type { HalfTyped } from './yaml-half-typed';

/**
 * Adds the tabs that PyYAML refuses ("found character '\t' that cannot start any token", scanner.py:258): every one outside quoted and
 * block texts and comments. The `yaml` package follows YAML 1.2 and takes most of them. One problem for each line, and none where `left` or the parser has one.
 */
export function addTabProblems(
  problems: SyntaxProblems,
  text: string,
  root: Node | undefined,
  left: readonly HalfTyped[],
): void {
  let tab = text.indexOf('\t');
  if (tab < 0) return;
  const spans = textSpans(root);
  let index = 0;
  while (tab >= 0) {
    while (index < spans.length && (spans[index]?.end ?? 0) <= tab) index++;
    const inside = spans[index];
    if (inside !== undefined && inside.start <= tab) {
      tab = text.indexOf('\t', inside.end);
      continue;
    }
    const lineStart = text.lastIndexOf('\n', tab) + 1;
    const previous = spans[index - 1];
    const isHere = ({ start }: { readonly start: number }): boolean => start >= lineStart && start <= tab;
    const isReported = left.some(isHere) || problems.list.some((it) => it.kind === 'broken' && isHere(it));
    if (!isReported && !hasComment(text, Math.max(lineStart, previous?.end ?? 0), tab)) {
      problems.add('broken', tab, tab + 1, 'PyYAML takes no tab here; use spaces.');
    }
    const lineEnd = text.indexOf('\n', tab);
    if (lineEnd < 0) break;
    tab = text.indexOf('\t', lineEnd);
  }
}

/** Spans of the quoted and block texts, in order. */
function textSpans(root: Node | undefined): { start: number; end: number }[] {
  const spans: { start: number; end: number }[] = [];
  const pending: Node[] = root === undefined ? [] : [root];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (node.kind === 'scalar') {
      if (node.style !== 'plain') spans.push({ start: node.start, end: node.end });
    } else if (node.kind === 'sequence') {
      for (const item of node.items) pending.push(item);
    } else {
      for (const entry of node.entries) {
        pending.push(entry.keyNode);
        if (entry.value !== undefined) pending.push(entry.value);
      }
    }
  }
  return spans.sort((a, b) => a.start - b.start);
}

function hasComment(text: string, from: number, to: number): boolean {
  for (let at = text.indexOf('#', from); at >= 0 && at < to; at = text.indexOf('#', at + 1)) {
    const before = text.charCodeAt(at - 1);
    if (at === 0 || before === 32 || before === 9 || before === 10) return true;
  }
  return false;
}
