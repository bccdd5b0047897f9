import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimateHost } from '../../../../server/src/core/estimate/host';
import { estimateMemory } from '../../../../server/src/core/estimate/memory/index';
import type { MegatronSharding, TrainingRun } from '../../../../server/src/core/run/training-run';
import { fsdp, llamaModel, megatron, type RunSpec, SINGLE, testRun, value, zero } from '../builders';

const specs = fc.record({
  layers: fc.integer({ min: 2, max: 24 }),
  kvHeads: fc.constantFrom(1, 2, 4),
  vocab: fc.integer({ min: 1000, max: 150_000 }),
  tied: fc.boolean(),
  micro: fc.integer({ min: 1, max: 8 }),
  sequence: fc.integer({ min: 64, max: 8192 }),
  checkpointing: fc.constantFrom<'none' | 'full'>('none', 'full'),
  sharding: fc.constantFrom<'single' | 'zero3' | 'fsdp'>('single', 'zero3', 'fsdp'),
  dropout: fc.constantFrom(0, 0.1),
});

type Spec = typeof specs extends fc.Arbitrary<infer T> ? T : never;

function specOf({ layers, kvHeads, vocab, tied, ...more }: Spec): RunSpec {
  const model = llamaModel({ hidden: 512, intermediate: 1536, layers, heads: 8, kvHeads, vocab, tied });
  const sharding = more.sharding === 'single' ? SINGLE : more.sharding === 'fsdp' ? fsdp() : zero(3);
  return {
    model,
    sharding,
    world: more.sharding === 'single' ? 1 : 4,
    micro: more.micro,
    sequence: more.sequence,
    checkpointing: more.checkpointing,
  };
}

function memoryOf(run: TrainingRun) {
  const { memory } = estimateMemory(run);
  if (memory === null) throw new Error('no estimate');
  expect(memory.low).toBeLessThanOrEqual(memory.value);
  expect(memory.value).toBeLessThanOrEqual(memory.high);
  for (const phase of Object.values(memory.phases)) {
    for (const term of phase?.terms ?? []) expect(term.bytes, term.id).toBeGreaterThan(0);
  }
  return memory;
}

const step = (run: TrainingRun): number => memoryOf(run).phases.step?.allocated ?? 0;
const check = (property: (spec: Spec) => void): void => fc.assert(fc.property(specs, property), { numRuns: 60 });

const ADAPTED = ['q_proj', 'v_proj', 'down_proj'];

describe('whatever the run', () => {
  it('DoRA takes no less than LoRA', () => {
    check((spec) => {
      const lora = { rank: 8, targets: ADAPTED, dropout: spec.dropout };
      const plain = step(testRun({ ...specOf(spec), lora }));
      expect(step(testRun({ ...specOf(spec), lora: { ...lora, dora: true } }))).toBeGreaterThanOrEqual(plain);
    });
  });

  it('activations on the host take no more of the GPU, and no less of the host', () => {
    check((spec) => {
      const run = testRun(specOf(spec));
      for (const where of ['checkpoints', 'everything'] as const) {
        const away: TrainingRun = { ...run, savedOnHost: value(where) };
        expect(step(away)).toBeLessThanOrEqual(step(run));
        expect(estimateHost(away).host?.bytes).toBeGreaterThanOrEqual(estimateHost(run).host?.bytes ?? 0);
      }
    });
  });

  it('recomputing fewer blocks keeps no less at the start of backward', () => {
    check((spec) => {
      const run = testRun({ ...specOf(spec), checkpointing: 'selective' });
      const kept = (blocks: number): number =>
        memoryOf({ ...run, recomputedEvery: value(blocks) }).phases.step?.terms.find(
          ({ id }) => id === 'activations.saved',
        )?.bytes ?? 0;
      const moments = [2, 3, 5].map(kept);
      if (moments.every((bytes) => bytes > 0)) expect(moments).toEqual([...moments].sort((a, b) => a - b));
    });
  });

  it('Megatron needs no more with each of: more data-parallel ranks, split sequences, offload; and no less with more tokens', () => {
    check((spec) => {
      const of = (set: Partial<Record<keyof MegatronSharding, unknown>>, data: number, more: RunSpec = {}): number => {
        const run = testRun({ ...specOf(spec), ...more, sharding: megatron(set), world: 2 * data });
        const ranks = { tensor: value(2), data: value(data), shard: value(data) };
        return step({ ...run, parallelism: { ...run.parallelism, ...ranks } });
      };
      const base = of({}, 2);
      expect(of({}, 8)).toBeLessThanOrEqual(base);
      expect(of({ offloadOptimizer: true }, 2)).toBeLessThanOrEqual(base);
      expect(of({ dropout: 0.1 }, 2)).toBeGreaterThanOrEqual(base);
      expect(of({ fusedAttention: true }, 2, { sequence: spec.sequence + 64 })).toBeGreaterThanOrEqual(base);
    });
  });
});
