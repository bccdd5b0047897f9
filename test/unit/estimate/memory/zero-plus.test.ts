import { describe, expect, it } from 'vitest';
import { readFacts } from '../../../../server/src/core/estimate/memory/facts';
import { momentsOf } from '../../../../server/src/core/estimate/memory/moments';
import { LLAMA_3_8B, llamaModel, type RunSpec, testRun, value, zero } from '../builders';

const SPEC: RunSpec = { model: llamaModel(LLAMA_3_8B), world: 16, gpusPerNode: 8, checkpointing: 'full' };
const HEAD = 128256 * 4096;
const WIDEST = 14336 * 4096;

/** The most that a part takes at any moment. */
function bytesOf(id: string, set: Parameters<typeof zero>[1], more: RunSpec = {}): number {
  const facts = readFacts(testRun({ ...SPEC, sharding: zero(3, set), ...more }), 'expected', () => undefined);
  if (!facts) throw new Error('no facts');
  const parts = momentsOf(facts).moments.flatMap((moment) => moment.parts.filter((part) => part.id === id));
  return parts.reduce((most, { bytes }) => Math.max(most, bytes), 0);
}

describe('ZeRO++', () => {
  it('has the int8 of what is gathered at once, and an fp16 copy of the largest bf16 weight (qwZ)', () => {
    const bytes = (prefetchBucketElements: number): number =>
      bytesOf('buffers.quantised', { quantizedWeights: true, prefetchBucketElements });
    expect(bytes(5e7)).toBe(WIDEST + 2 * WIDEST);
    expect(bytes(1e8)).toBe(1e8 + 2 * WIDEST);
    expect(bytesOf('buffers.quantised', {})).toBe(0);
  });

  it('reduces a gradient in 4 bits, twice inside the node and once between nodes (qgZ)', () => {
    expect(bytesOf('buffers.largest', { quantizedGradients: true })).toBeCloseTo((2 + 1 + 3 / 8 + 2 / 16) * HEAD, 0);
    expect(bytesOf('buffers.largest', {})).toBeCloseTo((2 + 2 + 2 / 16) * HEAD, 0);
  });

  it('keeps a second copy of the weights inside the group of hpZ', () => {
    const total = 8_030_261_248;
    expect(bytesOf('parameters.secondary', { hpzPartitionRanks: 8 })).toBe((2 * total) / 8);
  });

  it('keeps frozen weights as int8 where it is told to, and those that are trained in 16 bits', () => {
    const lora = { rank: 8, targets: ['q_proj', 'v_proj'] };
    const frozen = { quantizedFrozenWeights: true };
    const plain = bytesOf('parameters.weights', {}, { lora });
    expect(bytesOf('parameters.weights', frozen, { lora })).toBe(plain / 2);
    expect(bytesOf('parameters.weights', frozen)).toBe(plain);
  });

  it('spreads weights, gradients and states over a MiCS group alone', () => {
    const states = (shard: number): number => {
      const run = testRun({ ...SPEC, sharding: zero(3, { micsShardRanks: shard }), shard });
      const facts = readFacts(
        { ...run, parallelism: { ...run.parallelism, shard: value(shard) } },
        'expected',
        () => undefined,
      );
      if (!facts) throw new Error('no facts');
      const [moment] = momentsOf(facts).moments;
      return moment?.parts.find(({ id }) => id === 'optimizer.moments')?.bytes ?? 0;
    };
    expect(states(8)).toBe(2 * states(16));
  });

  it('gathers each parameter apart under MiCS, and copies what other nodes sent where it gathers in two hops', () => {
    const mics = (set: Parameters<typeof zero>[1], shard: number): RunSpec => ({
      sharding: zero(3, { micsShardRanks: shard, ...set }),
      shard,
    });
    const twoHops = { micsHierarchicalGather: true };
    expect(bytesOf('buffers.mics', {}, mics(twoHops, 16))).toBe((2 * HEAD) / 8);
    // Inside one node there is one hop alone.
    expect(bytesOf('buffers.mics', {}, mics(twoHops, 8))).toBe(0);
    expect(bytesOf('buffers.mics', {}, mics({}, 16))).toBe(0);
    // Without MiCS several parameters are gathered in one buffer, and copied out of it.
    const few = { prefetchBucketElements: 2e8 };
    expect(bytesOf('buffers.gathered', {}, mics(few, 16))).toBeLessThan(bytesOf('buffers.gathered', few));
  });
});
