import { type Document, isAlias, isMap, isScalar, isSeq, type Pair, type ParsedNode, Scalar as YamlScalar } from 'yaml';
import { MAX_EXPANDED_NODES } from './limits';
import type { Entry, MappingNode, Node, Scalar, ScalarNode, SequenceNode } from './node';
import { resolvePlain } from './python-scalar';
import { scalarNode } from './scalar-node';
import type { SyntaxProblems } from './syntax-problems';
import { isTemplated } from './template';
import { YamlEntries } from './yaml-entries';
import { byAnchor, type HalfTyped, withHalfTyped } from './yaml-half-typed';
import { hasConstructor, resolveTagged, shownTag } from './yaml-tags';

/** Turns the parser's document into our tree as PyYAML's composer and SafeConstructor would: aliases, `<<`, tags, keys. */
export function buildYaml(
  document: Document.Parsed,
  text: string,
  problems: SyntaxProblems,
  { isMasked, left }: { readonly isMasked: boolean; readonly left: readonly HalfTyped[] },
): Node | undefined {
  const builder: Builder = {
    text,
    isMasked,
    left: byAnchor(left),
    problems,
    anchors: new Map(),
    weights: new Map(),
    expanded: 0,
    isHopeless: false,
  };
  const contents = document.contents;
  if (contents === null) return undefined;
  const root = build(builder, contents);
  return builder.isHopeless ? undefined : root;
}

interface Builder {
  readonly text: string;
  /** Templates were replaced by letters before parsing, so the text of values that hold one comes from the source. */
  readonly isMasked: boolean;
  /** What was left out before parsing, by anchor. */
  readonly left: ReadonlyMap<number, readonly HalfTyped[]>;
  readonly problems: SyntaxProblems;
  /** Anchors finished so far; `undefined` while the anchored node is still being built (a cycle). */
  readonly anchors: Map<string, Node | undefined>;
  /** Nodes below each anchor, aliases in it counted in full. */
  readonly weights: Map<string, number>;
  /** An alias without anchor: PyYAML's composer stops, and the text is often no YAML at all but some template's. */
  isHopeless: boolean;
  /** Nodes so far, had every alias been written out. */
  expanded: number;
}

function build(b: Builder, node: ParsedNode): Node {
  if (isAlias(node)) return buildAlias(b, node.source, node.range[0], node.range[1]);
  const anchor = node.anchor;
  const before = b.expanded;
  if (anchor !== undefined) b.anchors.set(anchor, undefined);
  b.expanded++;
  const built = isScalar(node) ? buildScalar(b, node) : isMap(node) ? buildMapping(b, node) : buildSequence(b, node);
  checkConstructor(b, node, built);
  if (anchor !== undefined) {
    b.anchors.set(anchor, built);
    b.weights.set(anchor, b.expanded - before);
  }
  return built;
}

/** Values for which PyYAML's SafeConstructor has no constructor: other tags on collections, and a bare `=` or `<<`. */
function checkConstructor(b: Builder, node: ParsedNode, built: Node): void {
  if (built.kind !== 'scalar') {
    if (node.tag === undefined || hasConstructor(node.tag)) return;
    const message = `Python's safe_load has no value for the tag ${shownTag(node.tag)}.`;
    b.problems.add('broken', built.start, built.start, message);
  } else if (node.tag === undefined && built.style === 'plain' && (built.raw === '=' || built.raw === '<<')) {
    b.problems.add('broken', built.start, built.end, `Python's safe_load has no value for a bare ${built.raw}.`);
  }
}

/** The anchored node in the place of its alias: own span, the anchor's content. */
function buildAlias(b: Builder, name: string, start: number, end: number): Node {
  const raw = b.text.slice(start, end);
  const unresolved = scalarNode(start, end, raw, 'plain', { type: 'string', value: raw }, true);
  if (!b.anchors.has(name)) {
    b.isHopeless = true;
    b.problems.add('broken', start, end, `No anchor &${name} stands above this alias.`);
    return unresolved;
  }
  const target = b.anchors.get(name);
  b.expanded += b.weights.get(name) ?? 1;
  if (target === undefined || b.expanded > MAX_EXPANDED_NODES) {
    const why =
      target === undefined ? 'stands inside its own anchor' : `would make more than ${MAX_EXPANDED_NODES} values`;
    b.problems.add('limit', start, end, `The alias *${name} ${why}, so it was not followed.`);
    return unresolved;
  }
  return target.kind === 'scalar' ? { ...target, start, end, raw } : { ...target, start, end };
}

function buildSequence(b: Builder, node: ParsedNode): SequenceNode {
  const items: Node[] = [];
  if (isSeq(node)) {
    for (const item of node.items) {
      // `[a: b]` is a list of one mapping; the parser has made that mapping already.
      if (item !== null && 'range' in (item as object)) items.push(build(b, item as ParsedNode));
    }
  }
  const flow = isSeq(node) && node.flow === true;
  return { kind: 'sequence', ...spanOf(node, flow, items[items.length - 1]?.end), items, flow };
}

function buildMapping(b: Builder, node: ParsedNode): MappingNode {
  const merged: Entry[] = [];
  const entries = new YamlEntries(b.problems);
  for (const pair of isMap(node) ? (node.items as Pair<ParsedNode, ParsedNode | null>[]) : []) {
    const key = buildKey(b, pair.key);
    const value = buildValue(b, pair, key.node);
    if (key.isMerge && value !== undefined) merged.push(...mergedEntries(b, value, key.node));
    else entries.add(key.node, value);
  }
  const whole = entries.list;
  const own = b.left.size > 0 ? withHalfTyped(whole, b.left) : whole;
  const flow = isMap(node) && node.flow === true;
  const { start, end } = spanOf(node, flow, whole[whole.length - 1]?.end);
  const span = { start: Math.min(start, own[0]?.start ?? start), end: Math.max(end, own[own.length - 1]?.end ?? end) };
  return { kind: 'mapping', ...span, entries: merged.length > 0 ? [...merged, ...own] : own, flow };
}

function buildKey(b: Builder, key: ParsedNode | null): { node: ScalarNode; isMerge: boolean } {
  if (key !== null && isScalar(key)) {
    const node = buildScalar(b, key);
    if (key.anchor !== undefined) b.anchors.set(key.anchor, node);
    const isMerge = node.style === 'plain' && node.raw === '<<' && key.tag === undefined;
    return { node, isMerge };
  }
  const start = key?.range[0] ?? 0;
  const built = key === null ? undefined : build(b, key);
  if (built?.kind === 'scalar') return { node: built, isMerge: false };
  const end = built?.end ?? start;
  b.problems.add('broken', start, end, 'A list or mapping cannot be a key; Python refuses the file.');
  const raw = b.text.slice(start, end);
  const node = scalarNode(start, end, raw, 'plain', { type: 'string', value: raw }, true);
  return { node, isMerge: false };
}

function buildValue(b: Builder, pair: Pair<ParsedNode, ParsedNode | null>, key: ScalarNode): Node | undefined {
  if (pair.value !== null) {
    const value = build(b, pair.value);
    const isHalfTyped = b.left.get(key.start)?.some((piece) => piece.key === undefined) === true;
    return isHalfTyped && value.kind === 'scalar' && value.raw === '' ? undefined : value;
  }
  // `{a}` and `? a`: PyYAML gives None.
  return scalarNode(key.end, key.end, '', 'plain', { type: 'null', value: null }, false);
}

/** PyYAML's flatten_mapping (constructor.py:180-212): merged entries come first, and of a list the earlier mapping wins. */
function mergedEntries(b: Builder, value: Node, key: ScalarNode): readonly Entry[] {
  if (value.kind === 'mapping') return value.entries;
  const parts = value.kind === 'sequence' ? [...value.items].reverse() : [value];
  const entries: Entry[] = [];
  for (const part of parts) {
    if (part.kind === 'mapping') entries.push(...part.entries);
    else if (part.kind !== 'scalar' || !part.templated) {
      b.problems.add('broken', key.start, key.end, 'The value of << has to be a mapping or a list of mappings.');
    }
  }
  return entries;
}

function buildScalar(b: Builder, node: YamlScalar & { range?: readonly [number, number, number] | null }): ScalarNode {
  const start = node.range?.[0] ?? 0;
  let end = Math.max(start, node.range?.[1] ?? start);
  const style = styleOf(node.type);
  if (style === 'block') while (end > start && isLineEnd(b.text.charCodeAt(end - 1))) end--;
  const raw = b.text.slice(start, end);
  const templated = isTemplated(raw);
  const value =
    templated && b.isMasked ? unquoted(raw, style) : textOf(b, node.source ?? '', style, node.range?.[1] ?? end);
  return scalarNode(
    start,
    end,
    raw,
    style,
    resolve(b, node.tag, value, style, start, end),
    templated || isTemplated(value),
  );
}

function resolve(
  b: Builder,
  tag: string | undefined,
  value: string,
  style: ScalarNode['style'],
  start: number,
  end: number,
): Scalar {
  if (tag === undefined) return style === 'plain' ? resolvePlain(value) : { type: 'string', value };
  const converted = resolveTagged(tag, value);
  if (converted !== undefined) return converted;
  b.problems.add('broken', start, end, `Python's safe_load cannot make ${shownTag(tag)} of this value.`);
  return { type: 'string', value };
}

/** A block text that the end of the file cuts off has no last line end in PyYAML (scanner.py:1005); the parser adds one. */
function textOf(b: Builder, value: string, style: ScalarNode['style'], end: number): string {
  const isCutOff = style === 'block' && end >= b.text.length && !isLineEnd(b.text.charCodeAt(b.text.length - 1));
  return isCutOff && value.endsWith('\n') ? value.slice(0, -1) : value;
}

function unquoted(raw: string, style: ScalarNode['style']): string {
  return style === 'double' || style === 'single' ? raw.slice(1, -1) : raw;
}

function styleOf(type: string | undefined): ScalarNode['style'] {
  switch (type) {
    case YamlScalar.QUOTE_DOUBLE:
      return 'double';
    case YamlScalar.QUOTE_SINGLE:
      return 'single';
    case YamlScalar.BLOCK_FOLDED:
    case YamlScalar.BLOCK_LITERAL:
      return 'block';
    default:
      return 'plain';
  }
}

/** A flow collection ends with its bracket, a block one with its last value: what follows (comments, blank lines) is not part of it. */
function spanOf(node: ParsedNode, flow: boolean, lastEnd: number | undefined): { start: number; end: number } {
  const [start, end] = node.range;
  return { start, end: flow ? end : Math.max(lastEnd ?? end, start) };
}

function isLineEnd(unit: number): boolean {
  return unit === 10 || unit === 13;
}
