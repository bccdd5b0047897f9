import { describe, expect, it } from 'vitest';
import { estimateHost } from '../../../../server/src/core/estimate/host';
import { estimateMemory } from '../../../../server/src/core/estimate/memory/index';
import { verdict } from '../../../../server/src/core/features/memory-words';
import type { Cluster } from '../../../../server/src/core/hardware/hardware';
import type { TrainingRun } from '../../../../server/src/core/run/training-run';
import { LLAMA_3_8B, llamaModel, type RunSpec, testRun, value, zero } from '../builders';

const GIB = 2 ** 30;
const SPEC: RunSpec = {
  model: llamaModel({ ...LLAMA_3_8B, layers: 8 }),
  optimizer: 'paged_adamw_32bit',
  implementation: 'loop',
  checkpointing: 'full',
};

function on(capacity: number, spec: RunSpec = SPEC): TrainingRun {
  const cluster = {
    accelerator: { memoryBytes: capacity * GIB },
    host: { memoryBytes: 100 * GIB },
    assumptions: [],
  } as unknown as Cluster;
  return { ...testRun(spec), cluster: value(cluster) };
}

function memoryOf(run: TrainingRun) {
  const { memory, assumptions } = estimateMemory(run);
  if (memory === null) throw new Error('no estimate');
  return { ...memory, assumptions };
}

const moments = (run: TrainingRun): number =>
  memoryOf(run).phases.step?.terms.find(({ id }) => id === 'optimizer.moments')?.bytes ?? 0;

describe('paged optimizer state', () => {
  it('stays on a GPU that has room, and does not count as allocated by torch', () => {
    const roomy = memoryOf(on(80));
    expect(roomy.spilled).toBeUndefined();
    const plain = memoryOf(on(80, { ...SPEC, optimizer: 'ademamix' }));
    expect(roomy.allocated).toBeLessThan(plain.allocated - 10 * GIB);
    expect(verdict(roomy)).toBe('');
  });

  it('leaves a GPU that has none, so that the run fits, and says how much and where to', () => {
    const tight = memoryOf(on(20));
    expect(tight.fits).toBe(true);
    expect(tight.value).toBe(20 * GIB);
    expect(tight.spilled).toBeGreaterThan(4 * GIB);
    expect(verdict(tight)).toMatch(/^: fits with .* of the optimizer on the host$/);
    expect(tight.assumptions).toContainEqual(expect.objectContaining({ what: 'Adam moments' }));
    // What is on the GPU and what left it come to the whole state.
    expect(moments(on(20)) + (tight.spilled ?? 0)).toBeCloseTo(moments(on(80)), -3);
    const host = estimateHost(on(20)).host?.terms.find(({ id }) => id === 'host.paged');
    expect(host?.bytes).toBeCloseTo(tight.spilled ?? 0, -3);
  });

  it('saves no run whose other tensors do not fit, and none of another optimizer', () => {
    expect(memoryOf(on(8)).fits).toBe(false);
    expect(memoryOf(on(20, { ...SPEC, optimizer: 'adamw_torch' })).fits).toBe(false);
  });

  it('never turns to the worse on a larger GPU', () => {
    const order = { false: 0, null: 1, true: 2 };
    const verdicts = [8, 10, 12, 13, 14, 16, 20, 26, 32, 40, 80].map((gib) => order[`${memoryOf(on(gib)).fits}`]);
    expect(verdicts).toEqual([...verdicts].sort());
  });

  it('is not paged in tensors below 100,000 elements: adapters of a low rank', () => {
    const lora = { rank: 8, targets: ['q_proj', 'v_proj'] };
    const run = on(80, { ...SPEC, lora });
    const plain = memoryOf(on(80, { ...SPEC, lora, optimizer: 'lamb' }));
    expect(memoryOf(run).allocated).toBeCloseTo(plain.allocated, -7);
  });

  it('is none under ZeRO, whose optimizer steps a partition of its own', () => {
    expect(memoryOf(on(8, { ...SPEC, sharding: zero(2), world: 2 })).spilled).toBeUndefined();
  });
});
