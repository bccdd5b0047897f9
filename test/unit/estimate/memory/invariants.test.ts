import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimateHost } from '../../../../server/src/core/estimate/host';
import { readFacts } from '../../../../server/src/core/estimate/memory/facts';
import { estimateMemory } from '../../../../server/src/core/estimate/memory/index';
import { sumBytes } from '../../../../server/src/core/estimate/memory/part';
import { persistentStates, type States } from '../../../../server/src/core/estimate/memory/states';
import { fsdp, type LlamaShape, llamaModel, type RunSpec, SINGLE, testRun, zero } from '../builders';

const shapes: fc.Arbitrary<LlamaShape> = fc
  .record({
    headDim: fc.constantFrom(64, 128),
    kvHeads: fc.constantFrom(1, 2, 4),
    groups: fc.constantFrom(1, 2, 4),
    widening: fc.integer({ min: 2, max: 5 }),
    layers: fc.integer({ min: 1, max: 24 }),
    vocab: fc.integer({ min: 1000, max: 150_000 }),
    tied: fc.boolean(),
  })
  .map(({ headDim, kvHeads, groups, widening, layers, vocab, tied }) => {
    const heads = kvHeads * groups;
    return {
      hidden: heads * headDim,
      intermediate: widening * heads * headDim,
      layers,
      heads,
      kvHeads,
      vocab,
      headDim,
      tied,
    };
  });

const specs = fc.record({
  shape: shapes,
  micro: fc.integer({ min: 1, max: 16 }),
  sequence: fc.integer({ min: 16, max: 8192 }),
  accumulation: fc.integer({ min: 1, max: 4 }),
  checkpointing: fc.constantFrom<'none' | 'full'>('none', 'full'),
  attention: fc.constantFrom<'sdpa' | 'eager'>('sdpa', 'eager'),
  sharding: fc.constantFrom<'single' | 'zero1' | 'zero2' | 'zero3' | 'fsdp'>(
    'single',
    'zero1',
    'zero2',
    'zero3',
    'fsdp',
  ),
  world: fc.constantFrom(2, 4, 8, 16),
  offload: fc.boolean(),
});

type Spec = typeof specs extends fc.Arbitrary<infer T> ? T : never;

function specToRun(spec: Spec, change: Partial<Spec> = {}): RunSpec {
  const s = { ...spec, ...change };
  const offload = s.offload
    ? { offloadOptimizer: 'cpu', ...(s.sharding === 'zero3' ? { offloadParam: 'cpu' } : {}) }
    : {};
  const sharding =
    s.sharding === 'single'
      ? SINGLE
      : s.sharding === 'fsdp'
        ? fsdp()
        : zero(Number(s.sharding.slice(4)) as 1 | 2 | 3, offload);
  return {
    model: llamaModel(s.shape),
    sharding,
    world: s.sharding === 'single' ? 1 : s.world,
    micro: s.micro,
    sequence: s.sequence,
    accumulation: s.accumulation,
    checkpointing: s.checkpointing,
    attention: s.attention,
  };
}

function allocated(spec: RunSpec): number {
  const { memory } = estimateMemory(testRun(spec));
  if (memory === null) throw new Error('no estimate');
  return memory.allocated;
}

function statesOf(spec: RunSpec): States {
  const facts = readFacts(testRun(spec), 'expected', () => undefined);
  if (facts === undefined) throw new Error('no facts');
  return persistentStates(facts);
}

/** DeepSpeed's reduce_bucket_size of 5e8 elements, in 16 bits. */
const BUCKET_BYTES = 1e9;

const check = (property: (spec: Spec) => void): void => fc.assert(fc.property(specs, property), { numRuns: 100 });

describe('memory keeps its invariants', () => {
  it('never falls when the micro-batch, the sequence, the depth or the vocabulary grows', () => {
    check((spec) => {
      const base = allocated(specToRun(spec));
      expect(allocated(specToRun(spec, { micro: spec.micro + 1 }))).toBeGreaterThanOrEqual(base);
      expect(allocated(specToRun(spec, { sequence: spec.sequence * 2 }))).toBeGreaterThanOrEqual(base);
      // Other parameters fill the buckets of ZeRO-1 and 2 otherwise: what no longer fits is reduced after the bucket, with a copy.
      // With them ZeRO-3 stops gathering at another one, up to the largest beyond its limit.
      const { hidden, vocab, intermediate } = spec.shape;
      const gathered = spec.sharding === 'zero3' ? 4 * hidden * Math.max(vocab + 1024, intermediate) : 0;
      const bucket = spec.sharding === 'zero1' || spec.sharding === 'zero2' ? 3 * BUCKET_BYTES : gathered;
      const deeper = { ...spec.shape, layers: spec.shape.layers + 1 };
      expect(allocated(specToRun(spec, { shape: deeper }))).toBeGreaterThanOrEqual(base - bucket);
      const wordier = { ...spec.shape, vocab: spec.shape.vocab + 1024 };
      expect(allocated(specToRun(spec, { shape: wordier }))).toBeGreaterThanOrEqual(base * 0.999_999 - bucket);
    });
  });

  it('is ordered: low ≤ value ≤ high, allocated below what must fit, terms adding up to it', () => {
    check((spec) => {
      const { memory } = estimateMemory(testRun({ ...specToRun(spec), evaluation: true, saves: true }));
      if (memory === null) throw new Error('no estimate');
      expect(memory.low).toBeLessThanOrEqual(memory.value);
      expect(memory.value).toBeLessThanOrEqual(memory.high);
      expect(memory.allocated).toBeLessThan(memory.value);
      const groups = Object.values(memory.breakdown).reduce((a, b) => a + b, 0);
      expect(groups / memory.value).toBeCloseTo(1, 9);
      const phase = memory.phases[memory.phase];
      expect((phase?.terms ?? []).reduce((sum, term) => sum + term.bytes, 0) / memory.value).toBeCloseTo(1, 9);
      for (const other of Object.values(memory.phases)) expect(other?.bytes ?? 0).toBeLessThanOrEqual(memory.value);
      for (const term of phase?.terms ?? []) expect(Number.isFinite(term.bytes) && term.bytes > 0, term.id).toBe(true);
    });
  });

  it('never keeps more at the end of forward with checkpointing', () => {
    check((spec) => {
      const none = allocated(specToRun(spec, { checkpointing: 'none' }));
      const full = allocated(specToRun(spec, { checkpointing: 'full' }));
      // One layer deep there is nothing to save; the recomputed block costs its input.
      const slack = 2 * spec.micro * spec.sequence * spec.shape.hidden * (spec.shape.layers + 2);
      expect(full).toBeLessThanOrEqual(none + slack);
    });
  });

  it('divides the states of FSDP by the ranks, and ZeRO-3 on one rank is not divided', () => {
    check((spec) => {
      const bytes = (world: 2 | 16): number =>
        sumBytes(statesOf(specToRun(spec, { sharding: 'fsdp', world })).resident);
      expect((bytes(2) * 2) / (bytes(16) * 16)).toBeCloseTo(1, 9);
      const one = statesOf({ ...specToRun(spec, { sharding: 'zero3', offload: false }), world: 1 });
      const three = statesOf({ ...specToRun(spec, { sharding: 'zero1', offload: false }), world: 1 });
      expect(sumBytes(one.resident)).toBe(sumBytes(three.resident));
    });
  });

  it('orders the states of the stages: 1 ≥ 2 ≥ 3', () => {
    check((spec) => {
      const states = (sharding: 'zero1' | 'zero2' | 'zero3'): number =>
        sumBytes(statesOf(specToRun(spec, { sharding, offload: false })).resident);
      expect(states('zero1')).toBeGreaterThanOrEqual(states('zero2'));
      expect(states('zero2')).toBeGreaterThan(states('zero3'));
    });
  });

  it('moves bytes to the host when it offloads, and loses none', () => {
    check((spec) => {
      for (const sharding of ['zero2', 'zero3'] as const) {
        const here = statesOf(specToRun(spec, { sharding, offload: false }));
        const there = statesOf(specToRun(spec, { sharding, offload: true }));
        const onGpu = (states: States): number =>
          sumBytes(states.resident) + sumBytes(states.standing) + (states.gradients?.bytes ?? 0);
        const { weights, master, optimizer, gradients } = there.offloaded;
        expect((onGpu(there) + weights + master + optimizer + gradients) / onGpu(here)).toBeCloseTo(1, 9);
        expect(onGpu(there)).toBeLessThan(onGpu(here));
      }
    });
  });

  it('tends to states and buffers when there are no tokens', () => {
    check((spec) => {
      const run = specToRun(spec, { micro: 1, sequence: 1, sharding: 'single' });
      const { resident, gradients } = statesOf(run);
      const states = sumBytes(resident) + (gradients?.bytes ?? 0);
      const head = 2 * spec.shape.vocab * spec.shape.hidden;
      expect(allocated(run)).toBeGreaterThanOrEqual(states);
      // A tied embedding's gradient, the head's and their sum, beside the one of earlier micro-steps.
      expect(allocated(run)).toBeLessThan((states + 3 * head) * 1.02);
    });
  });

  it('gives the same estimate for the same run', () => {
    check((spec) => {
      const run = testRun(specToRun(spec));
      expect(JSON.stringify(estimateMemory(run))).toBe(JSON.stringify(estimateMemory(run)));
      expect(JSON.stringify(estimateHost(run))).toBe(JSON.stringify(estimateHost(run)));
    });
  });
});
