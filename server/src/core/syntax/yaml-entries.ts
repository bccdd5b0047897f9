import type { Entry, Node, ScalarNode } from './node';
import { pythonKey } from './python-scalar';
import type { SyntaxProblems } from './syntax-problems';

/** Up to so many entries are looked through for a key; a longer mapping gets an index. */
const A_HANDFUL = 12;

/** The entries of one YAML mapping while it is read. A key that is written again is reported. */
export class YamlEntries {
  readonly list: Entry[] = [];
  private index: LastOfKey | undefined;

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
    if (this.index === undefined) {
      if (list.length < A_HANDFUL) return lastOfKey(list, entry);
      this.index = new LastOfKey();
      for (const other of list) if (other.value !== undefined) this.index.put(other);
    }
    return this.index.put(entry);
  }
}

/** In Python the text "1" and the number 1 are different keys. */
function lastOfKey(list: readonly Entry[], { key, keyNode }: Entry): Entry | undefined {
  for (let i = list.length - 1; i >= 0; i--) {
    const other = list[i];
    if (other?.key === key && other.value !== undefined && isText(other.keyNode) === isText(keyNode)) return other;
  }
  return undefined;
}

class LastOfKey {
  private readonly texts = new Map<string, Entry>();
  private readonly others = new Map<string, Entry>();

  /** Hands out the entry whose place this one takes. */
  put(entry: Entry): Entry | undefined {
    const map = isText(entry.keyNode) ? this.texts : this.others;
    const before = map.get(entry.key);
    map.set(entry.key, entry);
    return before;
  }
}

function isText({ scalar }: ScalarNode): boolean {
  return scalar.type === 'string';
}
