import type { MappingNode, Node, SequenceNode } from '../node';
import { YamlEntries } from '../yaml-entries';
import type { Cursor } from './cursor';
import { takeFlowColon } from './keys';
import { readText } from './scalars';
import { CLOSE_BRACE, CLOSE_BRACKET, COMMA, OPEN_BRACE, OPEN_BRACKET } from './units';

/**
 * The list or mapping in brackets at the cursor. Its lines stand deeper than the block around it at `outer`. Every item and value
 * has to be written, each on one line.
 */
export function readFlow(cursor: Cursor, outer: number): MappingNode | SequenceNode {
  cursor.isInBrackets = true;
  const node = new Brackets(cursor, outer).read();
  cursor.isInBrackets = false;
  return node;
}

/** More open brackets than this no one writes; each is a call of its reader. */
const MAX_BRACKETS = 100;

class Brackets {
  private depth = 0;

  constructor(
    private readonly cursor: Cursor,
    private readonly outer: number,
  ) {}

  read(): MappingNode | SequenceNode {
    if (++this.depth > MAX_BRACKETS) this.cursor.refuse();
    const node = this.cursor.text.charCodeAt(this.cursor.at) === OPEN_BRACKET ? this.readList() : this.readMapping();
    this.depth--;
    return node;
  }

  private readList(): SequenceNode {
    const { cursor } = this;
    const start = cursor.at;
    const items: Node[] = [];
    for (let more = this.takeOpening(CLOSE_BRACKET); more; more = this.takeComma(CLOSE_BRACKET)) {
      items.push(this.readValue());
    }
    return { kind: 'sequence', start, end: cursor.at, items, flow: true };
  }

  private readMapping(): MappingNode {
    const { cursor } = this;
    const start = cursor.at;
    const entries = new YamlEntries(cursor.problems);
    for (let more = this.takeOpening(CLOSE_BRACE); more; more = this.takeComma(CLOSE_BRACE)) {
      const keyNode = readText(cursor, true);
      takeFlowColon(cursor, keyNode);
      entries.add(keyNode, this.readValue());
    }
    return { kind: 'mapping', start, end: cursor.at, entries: entries.list, flow: true };
  }

  private readValue(): Node {
    const { text, at } = this.cursor;
    const unit = text.charCodeAt(at);
    return unit === OPEN_BRACKET || unit === OPEN_BRACE ? this.read() : readText(this.cursor, true);
  }

  /** Passes over the opening bracket to the first item; false where the closing one follows. */
  private takeOpening(closing: number): boolean {
    this.cursor.at++;
    this.skipBlank(closing);
    return !this.takeClosing(closing);
  }

  /** Passes over the comma to the next item; false behind the closing bracket, which a comma may precede. */
  private takeComma(closing: number): boolean {
    const { cursor } = this;
    this.skipBlank(closing);
    if (this.takeClosing(closing)) return false;
    if (cursor.text.charCodeAt(cursor.at) !== COMMA) cursor.refuse();
    else cursor.at++;
    this.skipBlank(closing);
    return !this.takeClosing(closing);
  }

  /** True behind the closing bracket, and at the end of a text that is refused. */
  private takeClosing(closing: number): boolean {
    const { cursor } = this;
    if (cursor.text.charCodeAt(cursor.at) !== closing) return cursor.isRefused;
    cursor.at++;
    return true;
  }

  /** Passes over spaces, line ends and comments. Only the last closing bracket may stand at the column of the block around. */
  private skipBlank(closing: number): void {
    const { cursor, outer } = this;
    cursor.skipSpaces();
    if (!cursor.isAtLineEnd()) return;
    cursor.nextLine();
    const isLast = this.depth === 1 && cursor.text.charCodeAt(cursor.at) === closing;
    if (cursor.column < 0 || cursor.column < (isLast ? outer : outer + 1)) cursor.refuse();
  }
}
