import type { Model } from '../../models/model';
import { elements } from './counts';
import type { Facts } from './facts';

/** The keys of ZeRO-3 that decide what is gathered when, in elements. */
export interface GatherLimits {
  readonly maxLive: number;
  readonly maxReuse: number;
  readonly prefetch: number;
  /** Each parameter is gathered into a tensor of its own, as MiCS does. */
  readonly isApart?: boolean;
  /** Parameters no larger than this stay gathered, until so many elements do. */
  readonly persists: number;
  readonly persistsAtMost: number;
}

/** One parameter of the walk. */
export interface Gathers {
  readonly sizes: number[];
  readonly persists: boolean[];
}

/** Modules in the order in which they run, each with its parameters; those without any prefetch too. */
export type Visits = (readonly number[])[];

/** A fetch of a module, or what is released of it. */
export interface Event {
  readonly visit: number;
  readonly releases: readonly number[] | undefined;
}

/** What runs in which order. */
interface Order {
  /** Before the blocks; nothing where not all of them are walked. */
  readonly start: Visits;
  /** Visits of each of the last blocks, the last one last. */
  readonly blocks: readonly Visits[];
  /** After the blocks: the last norm, and the head. */
  readonly end: Visits;
}

interface LaidOut extends Order {
  readonly gathers: Gathers;
  readonly persistent: number;
}

/** Numbers the parameters of the last blocks and of what is outside them. */
export function layOut({ model, counts, quantization }: Facts, limits: GatherLimits): LaidOut {
  const gathers: Gathers = { sizes: [], persists: [] };
  let persistent = 0;
  // As many of a kind as there is room for; DeepSpeed asks one parameter after the other.
  const stays = (size: number, copies: number): boolean => {
    const room = Math.floor((limits.persistsAtMost - persistent) / Math.max(1, size));
    const fit = size > limits.persists ? 0 : Math.max(0, Math.min(copies, room));
    persistent += size * fit;
    return fit === copies;
  };
  const add = (size: number, persists: boolean): number => {
    gathers.persists.push(persists);
    return gathers.sizes.push(size) - 1;
  };
  const start: (readonly number[])[] = [[], []];
  const norms: (readonly number[])[] = [];
  let head: readonly number[] | undefined;
  for (const group of model.groups) {
    if (group.block !== undefined) continue;
    const size = elements(group);
    const visit = [add(size, stays(size, group.count))];
    if (group.kind === 'head') head = visit;
    else if (group.kind === 'embedding') {
      start.push(visit);
      // A tied one is the head too.
      if (model.tiedEmbeddings) head ??= visit;
    } else norms.push(visit);
  }
  start.push([]);
  // Four weights of 4 bits are one element of the 16-bit tensor that bitsandbytes packs them into for sharding.
  const packed = quantization === 'nf4' || quantization === 'fp4' ? 1 / 4 : 1;
  const kinds = model.blocks.map((_, kind) => modulesOf(model, kind, counts.perBlock[kind] ?? 0, packed));
  const kept = kinds.map((modules, kind) =>
    modules.map(({ sizes, copies }) => sizes.map((size) => stays(size, copies * (model.blocks[kind]?.count ?? 0)))),
  );
  const blocks: Visits[] = [];
  // What is gathered when the loss is made was gathered in blocks that have no more elements than these.
  const enough = 2 * (limits.maxLive + limits.maxReuse);
  let walkedElements = 0;
  const order = model.blocks
    .map((block, kind) => ({ block, kind }))
    .sort((a, b) => (b.block.first ?? 0) - (a.block.first ?? 0));
  for (const { block, kind } of order) {
    for (let layer = 0; layer < block.count && (walkedElements < enough || blocks.length < 3); layer++) {
      walkedElements += (counts.perBlock[kind] ?? 0) * packed;
      const visits: (readonly number[])[] = [[]];
      for (const [index, { sizes, opens, closes, copies }] of (kinds[kind] ?? []).entries()) {
        for (let empty = 0; empty < opens; empty++) visits.push([]);
        const persists = kept[kind]?.[index] ?? [];
        for (let copy = 0; copy < copies; copy++) visits.push(sizes.map((size, i) => add(size, persists[i] === true)));
        for (let empty = 0; empty < closes; empty++) visits.push([]);
      }
      blocks.unshift(visits);
    }
  }
  const isWhole = blocks.length === model.blocks.reduce((sum, { count }) => sum + count, 0);
  return { gathers, start: isWhole ? start : [], blocks, end: [...norms, head ?? []], persistent };
}

interface Module {
  readonly sizes: number[];
  /** Modules around it without parameters of their own, which run before it. */
  opens: number;
  /** The same inside it, which run after its weights are there. */
  closes: number;
  readonly copies: number;
  /** A norm between attention and MLP. */
  readonly isNorm: boolean;
}

/** The modules of one kind of block in the order in which they run, with what one rank has of each parameter. */
function modulesOf(model: Model, kind: number, onRank: number, packed: number): Module[] {
  const groups = model.groups.filter(({ block }) => block === kind);
  const count = Math.max(1, model.blocks[kind]?.count ?? 1);
  const whole = groups.reduce((sum, group) => sum + (elements(group) * group.count) / count, 0);
  const share = whole === 0 ? 0 : onRank / whole;
  const modules = new Map<string, Module>();
  const around = new Set<string>();
  for (const group of groups) {
    const path = group.name.slice(0, group.name.lastIndexOf('.'));
    const parent = path.slice(0, path.lastIndexOf('.'));
    const copies = Math.round(group.count / count);
    // Experts that are modules of their own are gathered one by one; together they are as many elements.
    const size = elements(group) * share * (copies > 4 ? copies : 1) * (group.module === 'linear' ? packed : 1);
    const isNorm = group.kind === 'norm' && parent.endsWith('*');
    const found = modules.get(path) ?? { sizes: [], opens: 0, closes: 0, copies: copies > 4 ? 1 : copies, isNorm };
    found.sizes.push(size);
    if (!parent.endsWith('*') && !around.has(parent)) found.opens++;
    around.add(parent);
    if (group.module === 'expert-stack') found.closes = 1;
    // What the activation makes of gate is multiplied with up, which comes after it.
    if (!modules.has(path) && /\.(up_proj|fc2|dense_4h_to_h|wo)$/.test(path)) found.opens++;
    modules.set(path, found);
  }
  const all = [...modules.values()];
  // Norms of a block are registered last; one runs first, and the others after attention.
  const [first, ...norms] = all.filter(({ isNorm }) => isNorm);
  const others = all.filter(({ isNorm }) => !isNorm);
  if (first === undefined) return others;
  const mlp = others.findLastIndex(({ opens }) => opens > 0 && opens !== others[0]?.opens);
  return [first, ...others.slice(0, Math.max(0, mlp)), ...norms, ...others.slice(Math.max(0, mlp))];
}

export interface Schedule {
  readonly visits: Visits;
  readonly events: readonly Event[];
  /** How many of the events are forward's, and how many are over when head and last block have run backward. */
  readonly forward: number;
  readonly head: number;
  readonly last: number;
}

/** The fetches and releases of one step over the last blocks. */
export function schedule({ checkpointing, lora }: Facts, { start, blocks, end }: Order): Schedule {
  const visits: (readonly number[])[] = [];
  const events: Event[] = [];
  const fetchModule = (params: readonly number[]): void => {
    events.push({ visit: visits.push(params) - 1, releases: undefined });
  };
  const release = (params: readonly number[]): void => {
    if (params.length > 0) events.push({ visit: -1, releases: params });
  };
  const visit = (params: readonly number[]): void => {
    fetchModule(params);
    release(params);
  };
  for (const params of start) visit(params);
  for (const block of blocks) for (const params of block) visit(params);
  for (const params of end) visit(params);
  const forward = events.length;
  const [head = [], ...norms] = [...end].reverse();
  fetchModule([]);
  visit(head);
  fetchModule([]);
  for (const params of norms) visit(params);
  const afterHead = events.length;
  let last = 0;
  for (let index = blocks.length - 1; index >= 0; index--) {
    if (index === blocks.length - 2) last = events.length;
    const [own = [], ...block] = blocks[index] ?? [];
    fetchModule(own);
    const back = [...block].reverse();
    if (checkpointing !== 'full') {
      for (const params of back) visit(params);
      continue;
    }
    // The last product asks for its input first, and with it the block runs forward again.
    const at = back.findIndex((params) => params.length > 0);
    const asks = back[at] ?? [];
    fetchModule([]);
    fetchModule(asks);
    if (lora === undefined) for (const params of block) visit(params);
    else {
      // Frozen weights that run again are released with the product that asked (partitioned_param_coordinator.py:394).
      for (const params of block) fetchModule(params);
      for (const params of block) release(params);
    }
    release(asks);
    for (const [i, params] of back.entries()) if (i !== at) visit(params);
  }
  for (const params of [...start].reverse()) visit(params);
  return { visits, events, forward, head: afterHead, last: last || events.length };
}
