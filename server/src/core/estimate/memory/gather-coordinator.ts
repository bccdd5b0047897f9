import type { GatherLimits, Gathers, Visits } from './gather-order';

/** Parameters gathered at once, in one flat buffer. */
interface Batch {
  readonly size: number;
  waiting: number;
  copied: boolean;
}

/** DeepSpeed's coordinator, as far as what it has gathered goes: partitioned_param_coordinator.py (0.19.8). */
export class GatherCoordinator {
  /** Elements gathered now, with the buffers of several. */
  live = 0;
  /** The most at the moment when weights are copied out of such a buffer. */
  copying = 0;
  /** Its own count, which its limit is held against: buffers are not in it. */
  #counted = 0;
  #next = 0;
  #step = 0;
  readonly #sizes: readonly number[];
  readonly #persists: readonly boolean[];
  readonly #limits: GatherLimits;
  readonly #queue: readonly { readonly param: number; readonly step: number }[];
  readonly #uses: readonly number[][];
  /** Elements of all visits before each. */
  readonly #traversed: readonly number[];
  readonly #isThere: boolean[];
  readonly #batches: (Batch | undefined)[];
  readonly #fetchedFor: number[];
  readonly #active: number[];

  constructor({ sizes, persists }: Gathers, visits: Visits, limits: GatherLimits) {
    this.#sizes = sizes;
    this.#persists = persists;
    this.#limits = limits;
    this.#queue = visits.flatMap((params, step) => params.map((param) => ({ param, step })));
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
    this.#uses = uses;
    this.#traversed = traversed;
    this.#isThere = [...persists];
    this.#batches = sizes.map(() => undefined);
    this.#fetchedFor = sizes.map(() => -1);
    this.#active = sizes.map(() => 0);
  }

  /** A module is about to run: what it lacks is gathered, and what comes after it is gathered ahead. */
  fetchModule(params: readonly number[]): void {
    const missing = params.filter((param) => !this.#isThere[param]);
    if (missing.length > 0) this.#gather(missing);
    for (const param of params) {
      this.#active[param] = (this.#active[param] ?? 0) + 1;
      this.#wait(param);
    }
    const fresh = new Set(params.filter((param) => (this.#fetchedFor[param] ?? -1) < this.#step));
    for (let popped = 0; popped < fresh.size && this.#next < this.#queue.length; this.#next++, popped++) {
      const entry = this.#queue[this.#next];
      if (entry) this.#fetchedFor[entry.param] = entry.step;
    }
    this.#prefetch();
    this.#step++;
  }

  /** A module has run: what does not come again soon is given up. */
  release(params: readonly number[]): void {
    const from = this.#traversed[this.#step] ?? 0;
    for (const param of params) {
      this.#active[param] = (this.#active[param] ?? 0) - 1;
      const isAhead = (this.#fetchedFor[param] ?? -1) > this.#step;
      if (this.#persists[param] || (this.#active[param] ?? 0) > 0 || isAhead) continue;
      const again = this.#uses[param]?.find((use) => use >= this.#step);
      if (again !== undefined && (this.#traversed[again] ?? 0) - from < this.#limits.maxReuse) continue;
      this.#isThere[param] = false;
      this.live -= this.#sizes[param] ?? 0;
      this.#counted -= this.#sizes[param] ?? 0;
    }
  }

  #gather(params: readonly number[]): void {
    let size = 0;
    for (const param of params) {
      size += this.#sizes[param] ?? 0;
      this.#isThere[param] = true;
    }
    this.live += size;
    this.#counted += size;
    if (params.length < 2 || this.#limits.isApart === true) return;
    const batch: Batch = { size, waiting: params.length, copied: false };
    for (const param of params) this.#batches[param] = batch;
  }

  /** The first of a batch that is waited for has all of it copied; the buffer goes with the last. */
  #wait(param: number): void {
    const batch = this.#batches[param];
    if (batch === undefined) return;
    this.#batches[param] = undefined;
    if (!batch.copied) this.live += batch.size;
    batch.copied = true;
    this.copying = Math.max(this.copying, this.live);
    batch.waiting--;
    if (batch.waiting === 0) this.live -= batch.size;
  }

  #prefetch(): void {
    const most = Math.min(this.#limits.maxLive - this.#counted, this.#limits.prefetch);
    const ahead: number[] = [];
    let size = 0;
    for (; this.#next < this.#queue.length && size < most; this.#next++) {
      const entry = this.#queue[this.#next];
      if (entry === undefined) break;
      this.#fetchedFor[entry.param] = Math.max(this.#fetchedFor[entry.param] ?? -1, entry.step);
      if (this.#isThere[entry.param] || ahead.includes(entry.param)) continue;
      ahead.push(entry.param);
      size += this.#sizes[entry.param] ?? 0;
    }
    if (ahead.length > 0) this.#gather(ahead);
  }
}
