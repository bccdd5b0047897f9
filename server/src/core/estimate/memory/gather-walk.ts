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

/**
 * Elements that ZeRO-3 has gathered on every rank, with the flat buffers that several are gathered in at once. What stays gathered is
 * not in them, as it is not in DeepSpeed's own count of live parameters.
 */
export interface GatherWalk {
  /** When forward is over. */
  readonly loss: number;
  /** While the head runs backward, and when backward has left it and the last norm. */
  readonly atHead: number;
  readonly head: number;
  /** The most while the last block runs backward, and while the others do. */
  readonly last: number;
  readonly others: number;
  /** The most at the moment when weights are copied out of the buffer they were gathered in. */
  readonly copying: number;
  /** What stays gathered from the first forward to the optimizer step, and from there on again. */
  readonly persistent: number;
}

/** One parameter of the walk. */
interface Gathers {
  readonly sizes: number[];
  readonly persists: boolean[];
}

/** Modules in the order in which they run, each with its parameters; those without any prefetch too. */
type Visits = (readonly number[])[];

/** A fetch of a module, or what is released of it. */
interface Event {
  readonly visit: number;
  readonly releases: readonly number[] | undefined;
}

/** By the tensors of a model, which its readings share. */
const walked = new WeakMap<Model['groups'], Map<string, GatherWalk>>();

/**
 * Walks the last blocks forward and backward as DeepSpeed's coordinator does: a module's parameters are gathered when it runs, those
 * that come next in the trace are gathered ahead while fewer than `max_live` are there, a bucket at a time, and what was used is
 * released unless it comes again within `max_reuse` or was passed over by the prefetch. Of several parameters at once there is a flat
 * buffer, and copies of it until the last has run. deepspeed/runtime/zero/partitioned_param_coordinator.py:338, 503 and 637,
 * partition_parameters.py:760 and 1343 (0.19.8).
 */
export function gatherWalk(facts: Facts, limits: GatherLimits): GatherWalk {
  const { model, tensor, checkpointing } = facts;
  const key = `${tensor} ${facts.expert} ${checkpointing} ${facts.lora === undefined} ${facts.quantization} ${Object.values(limits).join(' ')}`;
  const before = walked.get(model.groups) ?? new Map<string, GatherWalk>();
  walked.set(model.groups, before);
  const found = before.get(key) ?? walk(facts, limits);
  before.set(key, found);
  return found;
}

function walk(facts: Facts, limits: GatherLimits): GatherWalk {
  const { gathers, persistent, ...order } = layOut(facts, limits);
  return { ...run(gathers, schedule(facts, order), limits), persistent };
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
function layOut({ model, counts, quantization }: Facts, limits: GatherLimits): LaidOut {
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

interface Schedule {
  readonly visits: Visits;
  readonly events: readonly Event[];
  /** How many of the events are forward's, and how many are over when head and last block have run backward. */
  readonly forward: number;
  readonly head: number;
  readonly last: number;
}

/** The fetches and releases of one step over the last blocks. */
function schedule({ checkpointing, lora }: Facts, { start, blocks, end }: Order): Schedule {
  const visits: (readonly number[])[] = [];
  const events: Event[] = [];
  const fetch = (params: readonly number[]): void => {
    events.push({ visit: visits.push(params) - 1, releases: undefined });
  };
  const release = (params: readonly number[]): void => {
    if (params.length > 0) events.push({ visit: -1, releases: params });
  };
  const visit = (params: readonly number[]): void => {
    fetch(params);
    release(params);
  };
  for (const params of start) visit(params);
  for (const block of blocks) for (const params of block) visit(params);
  for (const params of end) visit(params);
  const forward = events.length;
  const [head = [], ...norms] = [...end].reverse();
  fetch([]);
  visit(head);
  fetch([]);
  for (const params of norms) visit(params);
  const afterHead = events.length;
  let last = 0;
  for (let index = blocks.length - 1; index >= 0; index--) {
    if (index === blocks.length - 2) last = events.length;
    const [own = [], ...block] = blocks[index] ?? [];
    fetch(own);
    const back = [...block].reverse();
    if (checkpointing !== 'full') {
      for (const params of back) visit(params);
      continue;
    }
    // The last product asks for its input first, and with it the block runs forward again.
    const at = back.findIndex((params) => params.length > 0);
    const asks = back[at] ?? [];
    fetch([]);
    fetch(asks);
    if (lora === undefined) for (const params of block) visit(params);
    else {
      // Frozen weights that run again are released with the product that asked (partitioned_param_coordinator.py:394).
      for (const params of block) fetch(params);
      for (const params of block) release(params);
    }
    release(asks);
    for (const [i, params] of back.entries()) if (i !== at) visit(params);
  }
  for (const params of [...start].reverse()) visit(params);
  return { visits, events, forward, head: afterHead, last: last || events.length };
}

/** Parameters gathered at once, in one flat buffer. */
interface Batch {
  readonly size: number;
  waiting: number;
  copied: boolean;
}

function run(
  { sizes, persists }: Gathers,
  { visits, events, forward, head: untilHead, last: untilLast }: Schedule,
  limits: GatherLimits,
): Omit<GatherWalk, 'persistent'> {
  const queue = visits.flatMap((params, step) => params.map((param) => ({ param, step })));
  const uses: number[][] = sizes.map(() => []);
  const traversed: number[] = [0];
  for (const [step, params] of visits.entries()) {
    let sum = traversed[step] ?? 0;
    for (const param of params) {
      uses[param]?.push(step);
      sum += sizes[param] ?? 0;
    }
    traversed.push(sum);
  }
  const isThere = [...persists];
  const batches: (Batch | undefined)[] = sizes.map(() => undefined);
  const fetchedFor = sizes.map(() => -1);
  const active = sizes.map(() => 0);
  let counted = 0;
  let live = 0;
  let next = 0;
  let step = 0;
  let copying = 0;
  const gather = (params: readonly number[]): void => {
    let size = 0;
    for (const param of params) {
      size += sizes[param] ?? 0;
      isThere[param] = true;
    }
    live += size;
    counted += size;
    if (params.length < 2 || limits.isApart === true) return;
    const batch: Batch = { size, waiting: params.length, copied: false };
    for (const param of params) batches[param] = batch;
  };
  const wait = (param: number): void => {
    const batch = batches[param];
    if (batch === undefined) return;
    batches[param] = undefined;
    if (!batch.copied) live += batch.size;
    batch.copied = true;
    copying = Math.max(copying, live);
    batch.waiting--;
    if (batch.waiting === 0) live -= batch.size;
  };
  const fetch = (params: readonly number[]): void => {
    const missing = params.filter((param) => !isThere[param]);
    if (missing.length > 0) gather(missing);
    for (const param of params) {
      active[param] = (active[param] ?? 0) + 1;
      wait(param);
    }
    const fresh = new Set(params.filter((param) => (fetchedFor[param] ?? -1) < step));
    for (let popped = 0; popped < fresh.size && next < queue.length; next++, popped++) {
      const entry = queue[next];
      if (entry) fetchedFor[entry.param] = entry.step;
    }
    prefetch();
    step++;
  };
  const prefetch = (): void => {
    const most = Math.min(limits.maxLive - counted, limits.prefetch);
    const ahead: number[] = [];
    let size = 0;
    for (; next < queue.length && size < most; next++) {
      const entry = queue[next];
      if (entry === undefined) break;
      fetchedFor[entry.param] = Math.max(fetchedFor[entry.param] ?? -1, entry.step);
      if (isThere[entry.param] || ahead.includes(entry.param)) continue;
      ahead.push(entry.param);
      size += sizes[entry.param] ?? 0;
    }
    if (ahead.length > 0) gather(ahead);
  };
  const release = (params: readonly number[]): void => {
    const from = traversed[step] ?? 0;
    for (const param of params) {
      active[param] = (active[param] ?? 0) - 1;
      if (persists[param] || (active[param] ?? 0) > 0 || (fetchedFor[param] ?? -1) > step) continue;
      const again = uses[param]?.find((use) => use >= step);
      if (again !== undefined && (traversed[again] ?? 0) - from < limits.maxReuse) continue;
      isThere[param] = false;
      live -= sizes[param] ?? 0;
      counted -= sizes[param] ?? 0;
    }
  };
  let loss = 0;
  let atHead = 0;
  let head = 0;
  let last = 0;
  let others = 0;
  for (const [index, event] of events.entries()) {
    if (event.releases === undefined) fetch(visits[event.visit] ?? []);
    else release(event.releases);
    if (index === forward - 1) loss = live;
    // Two fetches: of the whole model, which has no weights of its own, and of the head.
    if (index === forward + 1) atHead = live;
    if (index === untilHead - 1) head = live;
    if (index < untilHead) continue;
    if (index < untilLast) last = Math.max(last, live);
    else others = Math.max(others, live);
  }
  return { loss, atHead, head, last, others, copying };
}
