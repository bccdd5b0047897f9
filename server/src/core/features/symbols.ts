import type { Analysis } from '../analysis';
import type { Entry, MappingNode, Node } from '../syntax/node';

/** One line of a document's outline. */
export interface OutlineSymbol {
  readonly name: string;
  readonly detail: string | undefined;
  readonly kind: 'section' | 'list' | 'string' | 'number' | 'boolean' | 'null';
  readonly start: number;
  readonly end: number;
  readonly nameStart: number;
  readonly nameEnd: number;
  readonly children: readonly OutlineSymbol[];
}

/** Deeper than any config nests; an outline beyond it helps no one. */
const MAX_DEPTH = 12;

/** Outlines larger than this belong to generated data. */
const MAX_SYMBOLS = 5000;

/** The outline of a recognised config; nothing for other files, whose own extensions give one. */
export function symbols(analysis: Analysis): OutlineSymbol[] {
  const { recognition, file } = analysis;
  if (!recognition || recognition.dialect === 'foreign' || file.tree.root?.kind !== 'mapping') return [];
  const budget = { left: MAX_SYMBOLS };
  return outline(file.tree.root, 0, budget);
}

function outline(mapping: MappingNode, depth: number, budget: { left: number }): OutlineSymbol[] {
  const result: OutlineSymbol[] = [];
  for (const entry of mapping.entries) {
    if (budget.left-- <= 0) break;
    result.push(symbolOf(entry, depth, budget));
  }
  return result;
}

function symbolOf(entry: Entry, depth: number, budget: { left: number }): OutlineSymbol {
  const { keyNode, value } = entry;
  const children = value?.kind === 'mapping' && depth < MAX_DEPTH ? outline(value, depth + 1, budget) : [];
  return {
    // Clients refuse a symbol without a name.
    name: entry.key.trim() === '' ? '(empty key)' : entry.key,
    detail: detailOf(value),
    kind: kindOf(value),
    start: entry.start,
    // An outline must hold its name, also where the text breaks off.
    end: Math.max(entry.end, keyNode.end),
    nameStart: keyNode.start,
    nameEnd: keyNode.end,
    children,
  };
}

function detailOf(value: Node | undefined): string | undefined {
  if (value?.kind !== 'scalar') return undefined;
  const [line = ''] = value.raw.split('\n', 1);
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}

function kindOf(value: Node | undefined): OutlineSymbol['kind'] {
  if (!value) return 'null';
  if (value.kind === 'mapping') return 'section';
  if (value.kind === 'sequence') return 'list';
  switch (value.scalar.type) {
    case 'string':
      return 'string';
    case 'int':
    case 'float':
      return 'number';
    case 'bool':
      return 'boolean';
    case 'null':
      return 'null';
  }
}
