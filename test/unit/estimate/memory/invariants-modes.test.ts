import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readFacts } from '../../../../server/src/core/estimate/memory/facts';
import { estimateMemory } from '../../../../server/src/core/estimate/memory/index';
import { sumBytes } from '../../../../server/src/core/estimate/memory/part';
import { persistentStates } from '../../../../server/src/core/estimate/memory/states';
import type { TrainingRun } from '../../../../server/src/core/run/training-run';
import { fsdp, llamaModel, type RunSpec, SINGLE, testRun, value, zero } from '../builders';

const models = fc
  .record({
    kvHeads: fc.constantFrom(1, 2, 4),
    groups: fc.constantFrom(1, 2, 4),
    widening: fc.integer({ min: 2, max: 5 }),
    layers: fc.integer({ min: 1, max: 24 }),
    vocab: fc.integer({ min: 1000, max: 150_000 }),
    tied: fc.boolean(),
  })
  .map(({ kvHeads, groups, widening, layers, vocab, tied }) => {
    const heads = kvHeads * groups;
    const hidden = heads * 64;
    return llamaModel({ hidden, intermediate: widening * hidden, layers, heads, kvHeads, vocab, headDim: 64, tied });
  });

const batches = fc.record({
  micro: fc.integer({ min: 1, max: 8 }),
  sequence: fc.integer({ min: 16, max: 4096 }),
  checkpointing: fc.constantFrom<'none' | 'full'>('none', 'full'),
});

const specs: fc.Arbitrary<RunSpec> = fc.tuple(models, batches).map(([model, batch]) => ({ model, ...batch }));
const ranks = fc.constantFrom(2, 4, 8);
const LORA = { rank: 16, targets: ['q_proj', 'v_proj'] };

const SHARDED = [zero(1), zero(2), zero(3), fsdp(), fsdp({ version: 1 }), fsdp({ strategy: 'SHARD_GRAD_OP' })];

function allocated(run: TrainingRun): number {
  const { memory } = estimateMemory(run);
  if (memory === null) throw new Error('no estimate');
  return memory.allocated;
}

function stateBytes(run: TrainingRun): number {
  const facts = readFacts(run, 'expected', () => undefined);
  if (facts === undefined) throw new Error('no facts');
  const { resident, standing, gradients } = persistentStates(facts);
  return sumBytes(resident) + sumBytes(standing) + (gradients?.bytes ?? 0);
}

const check = <T>(arbitrary: fc.Arbitrary<T>, property: (it: T) => void): void =>
  fc.assert(fc.property(arbitrary, property), { numRuns: 60 });

/** What one block, the root and the reduction of a large gradient may change; not a part of the law. */
const SLACK = 1.000_001;

describe('ways of sharding keep to what they promise', () => {
  it('ZeRO-3 on one rank has the 16 B a parameter of mixed precision on one GPU', () => {
    check(specs, (spec) => {
      const three = stateBytes(testRun({ ...spec, sharding: zero(3), world: 1 }));
      const single = stateBytes(testRun({ ...spec, sharding: SINGLE, weights: 'fp32', mode: 'autocast' }));
      expect(three / single).toBeCloseTo(1, 9);
    });
  });

  it('needs no more on each of twice as many ranks', () => {
    check(fc.tuple(specs, ranks, fc.constantFrom(...SHARDED)), ([spec, world, sharding]) => {
      const few = allocated(testRun({ ...spec, sharding, world }));
      const many = allocated(testRun({ ...spec, sharding, world: 2 * world }));
      expect(many).toBeLessThanOrEqual(few * SLACK);
    });
  });

  it('needs no less where gradients of earlier micro-steps are kept', () => {
    check(fc.tuple(specs, ranks, fc.constantFrom(...SHARDED)), ([spec, world, sharding]) => {
      const one = allocated(testRun({ ...spec, sharding, world, accumulation: 1 }));
      const two = allocated(testRun({ ...spec, sharding, world, accumulation: 2 }));
      // A block's backward is not told from the next one's to the last gradient.
      expect(two * 1.01).toBeGreaterThanOrEqual(one);
    });
  });

  it('HSDP holds the states of FSDP inside its group, and no less in all', () => {
    check(fc.tuple(specs, ranks), ([spec, shard]) => {
      const inside = testRun({ ...spec, sharding: fsdp(), world: shard });
      const hybrid = testRun({ ...spec, sharding: fsdp(), world: 2 * shard, shard });
      expect(stateBytes(hybrid)).toBe(stateBytes(inside));
      expect(allocated(hybrid)).toBeGreaterThanOrEqual(allocated(inside));
    });
  });

  it('LoRA needs no more states than training in full', () => {
    check(fc.tuple(specs, ranks, fc.constantFrom(SINGLE, ...SHARDED)), ([spec, world, sharding]) => {
      const place = { ...spec, sharding, world: sharding.kind === 'single' ? 1 : world };
      expect(stateBytes(testRun({ ...place, lora: LORA }))).toBeLessThan(stateBytes(testRun(place)));
    });
  });

  it('optimizers are ordered by what they keep', () => {
    check(specs, (spec) => {
      const of = (optimizer: string): number =>
        stateBytes(testRun({ ...spec, sharding: SINGLE, optimizer, weights: 'fp32', compute: 'fp32' }));
      const order = ['sgd', 'adafactor', 'adamw_bnb_8bit', 'adamw_torch', 'ademamix'].map(of);
      expect(order).toEqual([...order].sort((a, b) => a - b));
    });
  });

  it('a reference model only adds', () => {
    check(fc.tuple(specs, ranks, fc.constantFrom(...SHARDED)), ([spec, world, sharding]) => {
      const run = testRun({ ...spec, sharding, world });
      const preference = (reference: boolean): TrainingRun['preference'] => ({
        method: value('kto'),
        sequencesPerSample: 1,
        reference: value(reference),
        fusedLogProbabilities: value(true),
      });
      const without = allocated({ ...run, preference: preference(false) });
      expect(allocated({ ...run, preference: preference(true) })).toBeGreaterThan(without);
    });
  });
});
