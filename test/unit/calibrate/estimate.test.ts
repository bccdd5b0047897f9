import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { differences, fingerprintOf, machineOf } from '../../../server/src/core/calibrate/fingerprint';
import type { Measurement, RunMeasurement } from '../../../server/src/core/calibrate/measurement';
import type { MemoryEstimate } from '../../../server/src/core/estimate/estimate';
import { estimateMemory } from '../../../server/src/core/estimate/memory/index';
import { predictedFigures } from '../../../server/src/core/estimate/memory/predicted';
import type { TrainingRun } from '../../../server/src/core/run/training-run';
import { fsdp, type RunSpec, TEST, testRun, zero } from '../estimate/builders';

const GIB = 2 ** 30;
const ZERO_3: RunSpec = {
  sharding: zero(3),
  world: 8,
  gpusPerNode: 8,
  micro: 2,
  sequence: 2048,
  checkpointing: 'full',
};

function measurement(of: TrainingRun, figures: Measurement['figures']): RunMeasurement {
  const facts = { run: fingerprintOf(of), machine: machineOf(of), origin: TEST };
  return { name: 'ds.json', file: 'ds.json', target: undefined, figures, isOwn: true, ...facts };
}

function peak(gib: number, from = 'run.log:7'): NonNullable<Measurement['figures']['driver']> {
  return { value: gib * GIB, low: gib * GIB, high: gib * GIB, bound: 'peak', from };
}

function memoryOf(run: TrainingRun, figures: Measurement['figures'], of = run): MemoryEstimate {
  const { memory } = estimateMemory({ ...run, measured: [measurement(of, figures)] });
  if (!memory) throw new Error('no estimate');
  return memory;
}

function billOf({ phases, phase }: MemoryEstimate): number {
  return (phases[phase]?.terms ?? []).reduce((sum, { bytes }) => sum + bytes, 0);
}

describe('an estimate of the run that was measured', () => {
  const run = testRun(ZERO_3);

  it('is what the driver showed, two per cent either way', () => {
    const memory = memoryOf(run, { driver: peak(40) });
    expect(memory).toMatchObject({ value: 40 * GIB, low: 40 * GIB * 0.98, high: 40 * GIB * 1.02 });
    const { assumptions } = estimateMemory({ ...run, measured: [measurement(run, { driver: peak(40) })] });
    expect(assumptions).toContainEqual(
      expect.objectContaining({ what: 'memory of this run', value: 'measured, run.log:7' }),
    );
  });

  it('adds predicted context and NCCL to what was reserved', () => {
    const memory = memoryOf(run, { reserved: peak(40) });
    expect(memory.value).toBeCloseTo((40 + 0.5 + 0.4) * GIB, 0);
    expect(memory.high - memory.low).toBeLessThan(3.2 * GIB);
  });

  it('adds the predicted cache too to what was allocated', () => {
    const bare = estimateMemory(run).memory;
    const memory = memoryOf(run, { allocated: peak(30) });
    expect(memory.allocated).toBeCloseTo(30 * GIB, 0);
    expect(memory.value).toBeGreaterThan(31 * GIB);
    expect(bare?.allocated).not.toBeCloseTo(30 * GIB, -6);
  });

  it('is raised by a lower bound and never lowered', () => {
    const bound = (gib: number): Measurement['figures'] => ({ driver: { ...peak(gib), bound: 'at-least' } });
    expect(memoryOf(run, bound(1))).toEqual(estimateMemory(run).memory);
    const raised = memoryOf(run, bound(300));
    expect(raised).toMatchObject({ value: 300 * GIB, low: 300 * GIB });
    expect(raised.high).toBeGreaterThanOrEqual(300 * GIB);
  });

  it('has a bill that comes to the measurement, with no term below nothing', () => {
    const gib = fc.double({ min: 0.5, max: 200, noNaN: true });
    const figures = fc.record({ allocated: gib, cache: gib, context: gib, which: fc.integer({ min: 1, max: 7 }) });
    fc.assert(
      fc.property(figures, fc.constantFrom(ZERO_3, {}, { ...ZERO_3, sharding: fsdp() }), (it, spec: RunSpec) => {
        const [allocated, reserved] = [it.allocated, it.allocated + it.cache];
        const memory = memoryOf(testRun(spec), {
          ...(it.which & 1 ? { allocated: peak(allocated) } : {}),
          ...(it.which & 2 ? { reserved: peak(reserved) } : {}),
          ...(it.which & 4 ? { driver: peak(reserved + it.context) } : {}),
        });
        expect(billOf(memory)).toBeCloseTo(memory.value, -3);
        expect(Object.values(memory.breakdown).every((bytes) => bytes >= 0)).toBe(true);
        expect(Object.values(memory.breakdown).reduce((a, b) => a + b)).toBeCloseTo(memory.value, -3);
        expect(memory.low).toBeLessThanOrEqual(memory.value);
        expect(memory.value).toBeLessThanOrEqual(memory.high);
      }),
      { numRuns: 200 },
    );
  });
});

describe('another run', () => {
  const of = testRun(ZERO_3);

  it.each<[string, RunSpec]>([
    ['micro-batch', { micro: 3 }],
    ['sequence length', { sequence: 4096 }],
    ['accumulation', { accumulation: 2 }],
    ['sharding', { sharding: zero(2) }],
    ['a bucket', { sharding: zero(3, { reduceBucketElements: 2e8 }) }],
    ['precision of the weights', { weights: 'fp32' }],
    ['optimizer', { optimizer: 'adafactor' }],
    ['its implementation', { implementation: 'foreach' }],
    ['checkpointing', { checkpointing: 'none' }],
    ['attention', { attention: 'eager' }],
    ['ranks', { world: 4, gpusPerNode: 4 }],
    ['LoRA', { lora: { rank: 8, targets: ['q_proj'] } }],
    ['fused loss', { fusedLoss: true }],
    ['evaluation', { evaluation: true }],
  ])('with another %s takes nothing over', (_, change) => {
    const run = testRun({ ...ZERO_3, ...change });
    expect(differences(fingerprintOf(of), run)).not.toEqual([]);
    expect(memoryOf(run, { allocated: peak(30), driver: peak(40) }, of)).toEqual(estimateMemory(run).memory);
  });

  it('names a setting that differs by its key', () => {
    const run = (accumulation: number) => testRun({ ...ZERO_3, accumulation });
    expect(differences(fingerprintOf(run(4)), run(8))).toEqual(['gradient_accumulation_steps is 8, was 4']);
  });

  it('says which measurement was not used, and why', () => {
    const run = testRun({ ...ZERO_3, micro: 3 });
    const { assumptions } = estimateMemory({ ...run, measured: [measurement(of, { driver: peak(40) })] });
    expect(assumptions).toContainEqual({
      what: 'measurement "ds.json"',
      value: 'not used',
      because: 'it was taken of another run: the micro-batch is 3, was 2',
    });
  });

  it('is another with other options of its optimizer, or any other fact', () => {
    const run = testRun(ZERO_3);
    const before = fingerprintOf(run);
    const options = { kind: 'assumed', because: 'a test' } as const;
    const momentum: TrainingRun = {
      ...run,
      optimizer: { ...run.optimizer, options: { known: true, value: { momentum: '0.9' }, origin: options } },
    };
    expect(differences(before, momentum)).toEqual(['another setting that memory or time depend on has changed']);
    // A fact that came after the measurement and that the run does not have makes it no other run.
    expect(differences(before, { ...run, recomputedEvery: undefined })).toEqual([]);
    expect(differences(before, { ...run, launches: [] })).toEqual([]);
  });

  it('has the same fingerprint wherever its facts were written', () => {
    const elsewhere = testRun(ZERO_3);
    const micro = { known: true, value: 2, origin: { kind: 'flag', flag: '--x' } } as const;
    expect(differences(fingerprintOf(of), { ...elsewhere, batch: { ...elsewhere.batch, micro } })).toEqual([]);
  });
});

describe('what is predicted beside a measurement', () => {
  it('does not depend on the measurement', () => {
    const run = testRun(ZERO_3);
    const figures = predictedFigures(run);
    expect(predictedFigures({ ...run, measured: [measurement(run, { driver: peak(40) })] })).toEqual(figures);
    expect(figures?.driver.value).toBe(estimateMemory(run).memory?.value);
    for (const figure of Object.values(figures ?? {})) {
      expect(figure.low).toBeLessThanOrEqual(figure.value);
      expect(figure.value).toBeLessThanOrEqual(figure.high);
    }
  });
});
