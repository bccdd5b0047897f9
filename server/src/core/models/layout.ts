import type { AttentionShape, Block, MlpShape, ParameterCount, ParameterGroup, ParameterKind } from './model';
import { elements, type Tensor, under } from './parts';

/** Equal layers of one stack: what one of them holds, and how many there are. */
export interface Layers {
  readonly className: string;
  readonly tower: Block['tower'];
  readonly count: number;
  /** Place of the first of them in their stack; 0 where absent. */
  readonly first?: number;
  /** Tensors of one layer, named from the layer. */
  readonly parts: readonly Tensor[];
  readonly attention?: AttentionShape;
  readonly mlp?: MlpShape;
  readonly state?: Block['state'];
  readonly kind?: string;
  readonly positions?: number;
}

/** Repeated layers under one name: `model.layers`. */
export interface Stack {
  readonly at: string;
  readonly layers: readonly Layers[];
}

/** A model as its class's `__init__` lays it out. */
export interface Layout {
  readonly hiddenSize: number;
  readonly layers: number;
  readonly vocabSize: number;
  readonly tied: boolean;
  readonly maxPositions: number | undefined;
  /** Tensors outside the repeated layers. */
  readonly parts: readonly Tensor[];
  readonly stacks: readonly Stack[];
  /** Name of its own recording, where the model keeps more outside its layers than others of its type. */
  readonly recordedAs?: string;
}

/** Puts a whole model inside a submodule of another. */
export function inside(prefix: string, layout: Layout): Layout {
  return {
    ...layout,
    parts: under(prefix, undefined, [...layout.parts]),
    stacks: layout.stacks.map((stack) => ({ ...stack, at: `${prefix}.${stack.at}` })),
  };
}

/** Far more layers than any model has; a stack is never walked further, and a config that names more is a problem. */
export const MAX_LAYERS = 4096;

/** Groups the layers of a stack by what makes them differ; `layer` is called once per kind. */
export function stack(
  at: string,
  count: number,
  kindOf: (index: number) => string,
  layer: (index: number) => Omit<Layers, 'count'>,
): Stack {
  const kinds = new Map<string, { first: number; count: number }>();
  for (let index = 0; index < Math.min(count, MAX_LAYERS); index++) {
    const key = kindOf(index);
    const seen = kinds.get(key);
    if (seen) seen.count++;
    else kinds.set(key, { first: index, count: 1 });
  }
  return { at, layers: [...kinds.values()].map((kind) => ({ ...layer(kind.first), ...kind })) };
}

/** A stack whose layers are all alike. */
export function uniform(at: string, count: number, layer: Omit<Layers, 'count'>): Stack {
  return { at, layers: [{ ...layer, count }] };
}

/** Adds the layout up into groups, blocks and counts. */
export function addUp(layout: Layout): {
  readonly groups: readonly ParameterGroup[];
  readonly blocks: readonly Block[];
  readonly parameters: ParameterCount;
} {
  const groups: ParameterGroup[] = layout.parts.map((part) => groupOf(part, part.name, part.count));
  const blocks: Block[] = [];
  let idle = 0;
  for (const { at, layers } of layout.stacks) {
    for (const kind of layers) {
      const block = blocks.length;
      blocks.push(blockOf(kind));
      idle += kind.count * idleExperts(kind);
      for (const part of kind.parts) groups.push(groupOf(part, `${at}.*.${part.name}`, part.count * kind.count, block));
    }
  }
  return { groups, blocks, parameters: count(groups, idle) };
}

function groupOf(part: Tensor, name: string, count: number, block?: number): ParameterGroup {
  const group = { name, kind: part.kind ?? 'other', module: part.module, shape: part.shape, count };
  return block === undefined ? group : { ...group, block };
}

function blockOf(kind: Layers): Block {
  return {
    className: kind.className,
    count: kind.count,
    parameters: kind.parts.reduce((sum, part) => sum + elements(part), 0),
    tower: kind.tower,
    ...(kind.first ? { first: kind.first } : {}),
    ...(kind.attention && { attention: kind.attention }),
    ...(kind.mlp && { mlp: kind.mlp }),
    ...(kind.state && { state: kind.state }),
    ...(kind.kind && { kind: kind.kind }),
    ...(kind.positions !== undefined && { positions: kind.positions }),
  };
}

/** Parameters of the routed experts of one layer that a token does not visit. */
function idleExperts(kind: Layers): number {
  const moe = kind.mlp?.moe;
  if (!moe) return 0;
  const routed = kind.parts.reduce((sum, part) => (part.kind === 'expert' ? sum + elements(part) : sum), 0);
  return (routed / moe.experts) * (moe.experts - moe.expertsPerToken);
}

function count(groups: readonly ParameterGroup[], idle: number): ParameterCount {
  const byKind: Partial<Record<ParameterKind, number>> = {};
  let total = 0;
  for (const group of groups) {
    const size = group.shape.reduce((product, side) => product * side, group.count);
    byKind[group.kind] = (byKind[group.kind] ?? 0) + size;
    total += size;
  }
  return { total, active: total - idle, byKind };
}
