import { describe, expect, it } from 'vitest';
import { readFacts } from '../../../../server/src/core/estimate/memory/facts';
import type { GatherLimits } from '../../../../server/src/core/estimate/memory/gather-order';
import { gatherWalk } from '../../../../server/src/core/estimate/memory/gather-walk';
import { momentsOf } from '../../../../server/src/core/estimate/memory/moments';
import { LLAMA_3_8B, llamaModel, type RunSpec, testRun, value, zero } from '../builders';
import { oracleModel, oracleRun, readOracle } from '../oracle';

const fixture = readOracle('sharding-oracle');
const MIB = 2 ** 20;
const DEFAULTS: GatherLimits = {
  maxLive: 1e9,
  maxReuse: 1e9,
  prefetch: 5e7,
  persists: 1e5,
  persistsAtMost: Number.POSITIVE_INFINITY,
};

function walkOf(id: string, limits: Partial<GatherLimits> = {}) {
  const point = fixture.points.find((it) => it.id === id);
  if (!point) throw new Error(`no point ${id}`);
  const facts = readFacts(oracleRun(point, oracleModel(fixture, point.model)), 'expected', () => undefined);
  if (!facts) throw new Error('no facts');
  const { loss, last, ...rest } = gatherWalk(facts, { ...DEFAULTS, ...limits });
  return { ...rest, loss: (2 * loss) / MIB, last: (2 * last) / MIB };
}

describe('what ZeRO-3 has gathered', () => {
  // MiB of 16-bit weights in DeepSpeed 0.19.8's own coordinator (n_available_params), in the runs of these points.
  it.each([
    ['llama3-4-z3-d4-default', {}, 1946, 2666],
    ['mistral-5-z3-d16-default-nockpt', {}, 1920, 2112],
    ['olmoe-8-z3-d16-auto', { prefetch: 0.9 * 2048 ** 2, persists: 20480 }, 2309, undefined],
  ] as const)('is counted as its coordinator does: %s', (id, limits, loss, last) => {
    const walk = walkOf(id, limits);
    // Norms are at most 0.3 MiB of it.
    expect(Math.abs(walk.loss - loss)).toBeLessThan(0.5);
    if (last !== undefined) expect(Math.abs(walk.last - last)).toBeLessThan(1);
  });

  it('is one module at a time where nothing is to be kept or fetched ahead', () => {
    const walk = walkOf('llama3-4-z3-d4-default', { maxLive: 0, maxReuse: 0, prefetch: 0 });
    // What the last block runs at once: one matrix of the MLP, and down while the block runs forward again.
    expect(walk.loss).toBeLessThan(1);
    expect(Math.abs(walk.last - (2 * 2 * 14336 * 4096) / MIB)).toBeLessThan(1);
  });

  it('has small parameters whole on every rank, up to the number of elements that may', () => {
    const norms = 9 * 4096;
    expect(walkOf('llama3-4-z3-d4-default').persistent).toBe(norms);
    expect(walkOf('llama3-4-z3-d4-default', { persists: 4095 }).persistent).toBe(0);
    const keys = 4 * 2 * 1024 * 4096;
    expect(walkOf('llama3-4-z3-d4-default', { persists: 5e6 }).persistent).toBe(norms + keys);
    expect(walkOf('llama3-4-z3-d4-default', { persists: 5e6, persistsAtMost: 1e6 }).persistent).toBeLessThanOrEqual(
      1e6,
    );
  });
});

describe('parameters that stay gathered', () => {
  const SPEC: RunSpec = { model: llamaModel(LLAMA_3_8B), world: 16, gpusPerNode: 8, checkpointing: 'full' };
  const persistent = (set: Parameters<typeof zero>[1], more: RunSpec = {}) => {
    const facts = readFacts(
      { ...testRun({ ...SPEC, sharding: zero(3, set), ...more }), saves: value(true) },
      'expected',
      () => undefined,
    );
    if (!facts) throw new Error('no facts');
    return momentsOf(facts).moments.flatMap(({ name, phase, parts }) =>
      parts
        .filter(({ id, bytes }) => id === 'buffers.persistent' && bytes > 0)
        .map(({ bytes }) => ({ name, phase, bytes })),
    );
  };

  it('are there at the end of backward and while a checkpoint is written, and not while the optimizer steps', () => {
    const phases = persistent({}).map(({ name, phase }) => `${phase}: ${name}`);
    expect(phases).toEqual(['step: end of backward', 'save: weights gathered to be written']);
    expect(persistent({ persistenceThresholdElements: 0 })).toEqual([]);
  });

  it('are the adapters too', () => {
    const lora = { rank: 8, targets: ['q_proj', 'v_proj'] };
    const [plain] = persistent({});
    const [adapted] = persistent({}, { lora });
    // q: 8 × (4096 + 4096), v: 8 × (4096 + 1024), in 32 layers of 16-bit weights.
    expect((adapted?.bytes ?? 0) - (plain?.bytes ?? 0)).toBe(2 * 32 * 8 * (4096 + 4096 + 4096 + 1024));
  });
});
