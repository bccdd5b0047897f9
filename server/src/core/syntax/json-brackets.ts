import { MAX_DEPTH } from './limits';
import type { Entry, Node, ScalarNode } from './node';
import { sameKey } from './same-key';
import type { SyntaxProblems } from './syntax-problems';

/** A mapping or sequence whose end has not been read. */
export interface OpenBracket {
  readonly kind: 'mapping' | 'sequence';
  readonly start: number;
  readonly entries: Entry[];
  readonly items: Node[];
  /** Where each key was last seen; made when the mapping has grown past a handful. */
  seen: Map<string, number> | undefined;
  /** The key whose value is being read. */
  key: ScalarNode | undefined;
  /** Offset of a comma that no item has followed yet, else -1. */
  comma: number;
  /** An item stands before the current token without a comma between. */
  needsComma: boolean;
  /** Hjson's root without braces. */
  readonly bare: boolean;
}

/** The brackets open at one place of a text, and the tree that grows in them. A list of its own, so depth costs no call stack. */
export class OpenBrackets {
  private readonly open: OpenBracket[] = [];
  root: Node | undefined;
  /** End of the last value or bracket read. */
  lastEnd = 0;

  constructor(private readonly problems: SyntaxProblems) {}

  /** The bracket that is open here, if any. */
  get innermost(): OpenBracket | undefined {
    return this.open[this.open.length - 1];
  }

  /** Whether a bracket of this kind is open and written out. */
  includes(kind: OpenBracket['kind']): boolean {
    return this.open.some((bracket) => bracket.kind === kind && !bracket.bare);
  }

  /** False, with a problem, where the nesting is deeper than we read. */
  push(kind: OpenBracket['kind'], start: number, bare: boolean): boolean {
    if (this.open.length >= MAX_DEPTH) {
      const message = `The nesting is deeper than ${MAX_DEPTH} levels, so the rest of the file was not read.`;
      this.problems.add('limit', start, start + 1, message);
      this.lastEnd = start;
      return false;
    }
    this.open.push({
      kind,
      start,
      entries: [],
      items: [],
      seen: undefined,
      key: undefined,
      comma: -1,
      needsComma: false,
      bare,
    });
    return true;
  }

  /** Ends the innermost bracket at `end` and hands it to the one around it. */
  close(end: number): void {
    const bracket = this.open.pop();
    if (bracket === undefined) return;
    this.lastEnd = end;
    // A key still waiting means that reading stopped inside its value.
    if (bracket.key !== undefined) this.addEntry(bracket, undefined);
    const { kind, start, entries, items } = bracket;
    this.attach(
      kind === 'mapping' ? { kind, start, end, entries, flow: true } : { kind, start, end, items, flow: true },
    );
  }

  /** Hands a finished value, or the lack of one, to the bracket around it. */
  attach(node: Node | undefined): void {
    if (node !== undefined) this.lastEnd = node.end;
    const bracket = this.innermost;
    if (bracket === undefined) {
      this.root ??= node;
      return;
    }
    bracket.needsComma = true;
    if (bracket.kind === 'mapping') this.addEntry(bracket, node);
    else if (node !== undefined) bracket.items.push(node);
  }

  private addEntry(bracket: OpenBracket, value: Node | undefined): void {
    const keyNode = bracket.key;
    bracket.key = undefined;
    if (keyNode === undefined || keyNode.scalar.type !== 'string') return;
    const key = sameKey(keyNode.scalar.value);
    const lost = previous(bracket, key);
    bracket.entries.push({ start: keyNode.start, end: value?.end ?? keyNode.end, key, keyNode, value });
    if (lost?.value !== undefined && value !== undefined) this.problems.addDuplicate(lost);
  }
}

/** The entry that last had this key. Most mappings are short, so a map is made only for long ones. */
function previous(bracket: OpenBracket, key: string): Entry | undefined {
  const { entries } = bracket;
  if (bracket.seen === undefined && entries.length < 12) {
    for (let i = entries.length - 1; i >= 0; i--) if (entries[i]?.key === key) return entries[i];
    return undefined;
  }
  bracket.seen ??= new Map(entries.map((entry, index) => [entry.key, index]));
  const index = bracket.seen.get(key);
  bracket.seen.set(key, entries.length);
  return index === undefined ? undefined : entries[index];
}
