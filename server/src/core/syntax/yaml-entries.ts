import type { Entry, Node, ScalarNode } from './node';
import { pythonKey } from './python-scalar';
import type { SyntaxProblems } from './syntax-problems';

/** The entries of one YAML mapping while it is read. A key that is written again is reported. */
export class YamlEntries {
  readonly list: Entry[] = [];
  /** The last entry of each key, for mappings that have grown past a handful; most are short, and looked through. */
  private last: Map<string, Entry> | undefined;

  constructor(private readonly problems: SyntaxProblems) {}

  add(keyNode: ScalarNode, value: Node | undefined): void {
    const { start } = keyNode;
    const end = Math.max(value?.end ?? 0, keyNode.end);
    const entry: Entry = { start, end, key: pythonKey(keyNode.scalar), keyNode, value };
    // Without value it is half typed, and what it will be is not known.
    if (value !== undefined) {
      const lost = this.replaced(entry);
      if (lost !== undefined) this.problems.addDuplicate(lost);
    }
    this.list.push(entry);
  }

  /** The entry before this one that has the same key, and whose value Python therefore drops. */
  private replaced(entry: Entry): Entry | undefined {
    const { list } = this;
    if (this.last === undefined) {
      if (list.length < 12) return list.findLast((other) => other.value !== undefined && isSameKey(other, entry));
      this.last = new Map();
      for (const other of list) if (other.value !== undefined) this.last.set(identity(other), other);
    }
    const key = identity(entry);
    const lost = this.last.get(key);
    this.last.set(key, entry);
    return lost;
  }
}

/** In Python the text "1" and the number 1 are different keys. */
function isSameKey(a: Entry, b: Entry): boolean {
  return a.key === b.key && isText(a) === isText(b);
}

function identity(entry: Entry): string {
  return `${isText(entry) ? 's' : 'o'}${entry.key}`;
}

function isText(entry: Entry): boolean {
  return entry.keyNode.scalar.type === 'string';
}
