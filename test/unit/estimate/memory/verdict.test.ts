import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MemoryEstimate } from '../../../../server/src/core/estimate/estimate';
import { estimateMemory } from '../../../../server/src/core/estimate/memory/index';
import type { Sharding, TrainingRun } from '../../../../server/src/core/run/training-run';
import { fsdp, type RunSpec, SINGLE, testRun, value, zero } from '../builders';
import { cluster } from '../time/clusters';

const GIB = 2 ** 30;
const a100 = cluster({ instance: 'p4d.24xlarge', nodes: 1, gpusPerNode: 8 });

/** The run on a GPU of that much memory. */
function on(capacity: number, spec: RunSpec): TrainingRun {
  const accelerator = { ...a100.accelerator, memoryBytes: capacity };
  return { ...testRun(spec), cluster: value({ ...a100, accelerator }) };
}

function memoryOf(run: TrainingRun): MemoryEstimate {
  const { memory } = estimateMemory(run);
  if (memory === null) throw new Error('no estimate');
  return memory;
}

const specs: fc.Arbitrary<RunSpec> = fc.record({
  micro: fc.integer({ min: 1, max: 8 }),
  sequence: fc.integer({ min: 128, max: 8192 }),
  checkpointing: fc.constantFrom<'none' | 'full'>('none', 'full'),
  sharding: fc.constantFrom(SINGLE, zero(1), zero(3), fsdp(), fsdp({ version: 1 })),
  world: fc.constantFrom(1, 8),
});
const gigabytes = fc.integer({ min: 8, max: 200 });
const check = (property: (spec: RunSpec, gib: number) => void): void =>
  fc.assert(fc.property(specs, gigabytes, property), { numRuns: 200 });

describe('the verdict', () => {
  it('says that a run fits only if the high end does, and that it does not only if the low end does not', () => {
    check((spec, gib) => {
      const { fits, low, high, value: expected } = memoryOf(on(gib * GIB, spec));
      expect(fits).toBe(high <= gib * GIB ? true : low > gib * GIB ? false : null);
      expect(low).toBeLessThanOrEqual(expected);
      expect(expected).toBeLessThanOrEqual(high);
    });
  });

  it('never turns to the worse on a larger GPU', () => {
    const rank = (fits: boolean | null): number => (fits === true ? 2 : fits === null ? 1 : 0);
    check((spec, gib) => {
      const small = memoryOf(on(gib * GIB, spec));
      const large = memoryOf(on((gib + 8) * GIB, spec));
      expect(rank(large.fits)).toBeGreaterThanOrEqual(rank(small.fits));
      expect(large.allocated).toBe(small.allocated);
    });
  });

  it('lets the cache fill the GPU, but not more than what is needed beside it', () => {
    check((spec, gib) => {
      const unlimited = memoryOf(testRun(spec));
      const { value: bytes, breakdown, allocated } = memoryOf(on(gib * GIB, spec));
      expect(bytes).toBeLessThanOrEqual(unlimited.value * (1 + 1e-9));
      if (bytes > gib * GIB * (1 + 1e-9))
        expect(breakdown.fragmentation).toBeLessThanOrEqual(0.05 * allocated * (1 + 1e-9));
    });
  });

  it('says why it is too close to call, and what would decide it', () => {
    const spec: RunSpec = { micro: 1, sequence: 2048, checkpointing: 'full' };
    const { low, high } = memoryOf(testRun(spec));
    const { assumptions, memory } = estimateMemory(on(low + 0.2 * (high - low), spec));
    const said = assumptions.find(({ what }) => what === 'whether it fits');
    expect(said?.value).toBe('too close to call');
    expect(said?.because).toContain('shardlens calibrate');
    expect(said?.because).toContain(memory?.decides);
    expect(memoryOf(on(high * 2, spec)).decides).toBeUndefined();
    expect(estimateMemory(on(high * 2, spec)).assumptions.map(({ what }) => what)).not.toContain('whether it fits');
  });
});

describe('what versions and settings change', () => {
  const base: RunSpec = { micro: 2, sequence: 1024 };
  const lora = { rank: 16, targets: ['q_proj', 'v_proj'] };
  const allocated = (run: TrainingRun): number => memoryOf(run).allocated;

  it('keeps a mask and a copy for each adapter that drops out', () => {
    const none = allocated(testRun({ ...base, lora }));
    const some = allocated(testRun({ ...base, lora: { ...lora, dropout: 0.1 } }));
    // One byte for each of two adapters of 4096 inputs, 32 blocks.
    expect(some - none).toBeCloseTo(2 * 1024 * 32 * 2 * 4096, -3);
  });

  it('takes 0.37 bits less for each 4-bit weight with quantised scales', () => {
    const run = testRun({ ...base, lora, quantization: 'nf4' });
    const plain = allocated(run);
    const nested = allocated({ ...run, nestedQuantization: value(true) });
    const quantised = 32 * (2 * 4096 * 4096 + 2 * 4096 * 1024 + 3 * 4096 * 14336);
    expect(plain - nested).toBeCloseTo((quantised * (0.5 - 8 / 64 - 32 / (64 * 256))) / 8, -3);
  });

  it('keeps the inputs of quantised products with bitsandbytes before 0.43.2', () => {
    const run = testRun({ ...base, lora, quantization: 'nf4' });
    const of = (version: string): number => allocated({ ...run, frameworks: { bitsandbytes: value(version) } });
    expect(of('0.41.0')).toBeGreaterThan(of('0.43.2') * 1.05);
    expect(of('0.43.2')).toBe(allocated(run));
  });

  it('has gradients in the forward of the first micro-step with torch before 2.0', () => {
    const run = testRun({ ...base, checkpointing: 'full' });
    const old = allocated({ ...run, frameworks: { torch: value('1.13.1') } });
    expect(old).toBe(allocated(testRun({ ...base, checkpointing: 'full', accumulation: 2 })));
    expect(memoryOf({ ...run, frameworks: { torch: value('1.12.0') } }).breakdown.context).toBeGreaterThan(
      memoryOf(run).breakdown.context,
    );
  });

  it('puts whole blocks on a pipeline stage, and a tied embedding on both ends', () => {
    const split = (stages: number): TrainingRun => {
      const run = testRun({ ...base, sharding: zero(1), world: 2 * stages });
      return { ...run, parallelism: { ...run.parallelism, pipeline: value(stages) } };
    };
    const weights = (stages: number): number =>
      memoryOf(split(stages)).phases.load?.terms.find(({ id }) => id === 'parameters.weights')?.bytes ?? 0;
    // 32 blocks over 5 stages: 7 on the fullest.
    const block = 2 * 4096 * 4096 + 2 * 4096 * 1024 + 3 * 4096 * 14336 + 2 * 4096;
    expect(weights(5)).toBeCloseTo(2 * (7 * block + 128256 * 4096 + 2048), -1);
  });

  it('keeps a micro-batch under way for each stage on the first, and pays the loss on the last alone', () => {
    const of = (accumulation: number, stages: number): MemoryEstimate => {
      const run = testRun({ micro: 1, sequence: 4096, sharding: zero(1), world: 8, accumulation });
      return memoryOf({ ...run, parallelism: { ...run.parallelism, pipeline: value(stages) } });
    };
    const saved = (memory: MemoryEstimate): number =>
      memory.phases.step?.terms.find(({ id }) => id === 'activations.saved')?.bytes ?? 0;
    const [two, four] = [of(2, 4), of(8, 4)];
    expect(four.phases.step?.moment).toContain('first stage');
    expect(saved(four) / saved(two)).toBeCloseTo(2, 1);
    expect(four.breakdown.logits).toBe(0);
    expect(of(16, 4).allocated).toBe(four.allocated);
  });

  it('counts communicators for each dimension, and buffers of side streams where tensors are given back late', () => {
    const overhead = (sharding: Sharding): number => memoryOf(testRun({ sharding, world: 8 })).breakdown.fragmentation;
    expect(overhead(fsdp({ version: 1 }))).toBeGreaterThan(overhead(fsdp()) + GIB);
    const run = testRun({ sharding: zero(1), world: 8 });
    const split = { ...run, parallelism: { ...run.parallelism, tensor: value(2), data: value(4), shard: value(4) } };
    // All ranks; with tensor parallelism also those of each dimension: three sets in place of one.
    expect(memoryOf(split).breakdown.context - memoryOf(run).breakdown.context).toBeCloseTo(2 * 0.4 * GIB, -3);
  });
});
