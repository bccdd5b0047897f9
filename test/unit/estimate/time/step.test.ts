import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { collectiveSeconds, type GroupPath } from '../../../../server/src/core/estimate/time/collectives';
import { estimateTime } from '../../../../server/src/core/estimate/time/index';
import type { Cluster } from '../../../../server/src/core/hardware/hardware';
import { unknown } from '../../../../server/src/core/run/known';
import type { TrainingRun } from '../../../../server/src/core/run/training-run';
import { cluster } from './clusters';
import { decoder, fsdp, given, LLAMA_3_8B, offloadedSharding, replicated, run, zero } from './runs';

const model = decoder(LLAMA_3_8B);
const memory = () => ({ memory: null, assumptions: [] });
const p4d = cluster('p4d.24xlarge', { nodes: 2, gpusPerNode: 8 });

function stepOf(of: TrainingRun) {
  const { step, assumptions } = estimateTime(of, { memory });
  if (step === null) throw new Error(JSON.stringify(assumptions));
  return step;
}

const shardings = [
  replicated('ddp'),
  zero(1),
  zero(2),
  zero(3),
  zero(2, { offloadOptimizer: given('cpu') }),
  zero(3, { offloadOptimizer: given('nvme'), offloadParam: given('nvme') }),
  offloadedSharding(),
  fsdp(),
  fsdp({ offloadParams: given(true) }),
];

const anyRun = fc.record({
  sharding: fc.constantFrom(...shardings),
  micro: fc.integer({ min: 1, max: 32 }),
  accumulation: fc.integer({ min: 1, max: 32 }),
  length: fc.integer({ min: 16, max: 32768 }),
  tensor: fc.constantFrom(1, 2, 8, 16),
  checkpointing: fc.constantFrom('none' as const, 'full' as const, 'selective' as const),
});

describe('the step', () => {
  test('is the sum of its terms that are not hidden, inside its band', () => {
    fc.assert(
      fc.property(anyRun, ({ checkpointing, ...shape }) => {
        const step = stepOf(run({ model, cluster: p4d, ...shape, changes: { checkpointing: given(checkpointing) } }));
        const shown = step.terms.filter(({ overlapped }) => !overlapped);
        expect(shown.reduce((sum, { seconds }) => sum + seconds, 0)).toBeCloseTo(step.seconds, 9);
        const { compute, communication, offload, optimizer } = step.breakdown;
        expect(compute + communication + offload + optimizer).toBeCloseTo(step.seconds, 9);
        expect(step.low).toBeLessThan(step.seconds);
        expect(step.high).toBeGreaterThan(step.seconds);
        expect(step.mfu).toBeGreaterThan(0);
        expect(step.mfu).toBeLessThan(1);
        for (const term of step.terms) {
          expect(term.seconds).toBeGreaterThan(0);
          expect(term.formula).not.toMatch(/NaN|undefined|Infinity/);
          expect(term.source).not.toBe('');
        }
        expect(new Set(step.terms.map(({ id }) => id)).size).toBe(step.terms.length);
      }),
      { numRuns: 300 },
    );
  });

  test('never gets slower with more bandwidth', () => {
    const faster = (times: number): Cluster => ({
      ...p4d,
      intra: { ...p4d.intra, bytesPerSecond: p4d.intra.bytesPerSecond * times },
      inter: { ...p4d.inter, bytesPerSecond: p4d.inter.bytesPerSecond * times },
      host: {
        ...p4d.host,
        copyBytesPerSecondPerGpu: p4d.host.copyBytesPerSecondPerGpu * times,
        pcieBytesPerSecondPerGpu: p4d.host.pcieBytesPerSecondPerGpu * times,
      },
    });
    fc.assert(
      fc.property(anyRun, fc.double({ min: 1, max: 50, noNaN: true }), ({ checkpointing: _, ...shape }, times) => {
        const slow = stepOf(run({ model, cluster: p4d, ...shape })).seconds;
        const fast = stepOf(run({ model, cluster: faster(times), ...shape })).seconds;
        expect(fast).toBeLessThanOrEqual(slow * (1 + 1e-9));
      }),
      { numRuns: 200 },
    );
  });

  test('has no bubble with one stage, and less of it with more micro-batches', () => {
    const bubble = (pipeline: number, accumulation: number): number => {
      const step = stepOf(run({ model, cluster: p4d, sharding: zero(1), pipeline, accumulation }));
      return (step.terms.find(({ id }) => id === 'compute.bubble')?.seconds ?? 0) / step.seconds;
    };
    expect(bubble(1, 8)).toBe(0);
    expect(bubble(4, 8)).toBeGreaterThan(0.1);
    expect(bubble(4, 64)).toBeLessThan(bubble(4, 8));
  });

  test('takes time for the mean length, and MFU counts three forwards', () => {
    const one = cluster('p4d.24xlarge', { gpusPerNode: 1 });
    const none = given('none' as const);
    const step = stepOf(
      run({
        model,
        cluster: one,
        sharding: replicated('single'),
        micro: 4,
        length: 4096,
        changes: { checkpointing: none },
      }),
    );
    expect(step.tokensPerSecondPerGpu).toBeCloseTo((4 * 4096) / step.seconds, 3);
    const perToken = 2 * (model.parameters.total - 128256 * 4096) + 4 * 2048 * 4096 * 32;
    expect(step.mfu / ((step.tokensPerSecondPerGpu * 3 * perToken) / 312e12)).toBeCloseTo(1, 2);
    expect(step.bottleneck).toBe('GPU compute');
    // Published A100 runs of this kind reach 40–60 %.
    expect(step.mfu).toBeGreaterThan(0.4);
    expect(step.mfu).toBeLessThan(0.65);
  });

  test('recompute, LoRA and eager attention change the work as they should', () => {
    const one = cluster('p4d.24xlarge', { gpusPerNode: 1 });
    const base = { model, cluster: one, sharding: replicated('single'), micro: 4, length: 4096 } as const;
    const seconds = (changes: Partial<TrainingRun>): number => stepOf(run({ ...base, changes })).breakdown.compute;
    const none = { checkpointing: given('none' as const) };
    expect(seconds({}) / seconds(none)).toBeGreaterThan(1.25);
    expect(seconds({}) / seconds(none)).toBeLessThan(1.4);
    const lora = given({ rank: given(8), targets: given(['q_proj']), modulesToSave: given<string[]>([]) });
    expect(seconds({ ...none, lora })).toBeLessThan(0.8 * seconds(none));
    expect(seconds({ ...none, attention: given('eager') })).toBeGreaterThan(1.1 * seconds(none));
    const packed = { ...none, lora, quantization: given('nf4' as const) };
    expect(seconds(packed)).toBeGreaterThan(seconds({ ...none, lora }));
  });

  test('is not known without a model, hardware or a batch, and says so', () => {
    const whole = run({ model, cluster: p4d, sharding: zero(2), tensor: 2 });
    const lacks: readonly (readonly [Partial<TrainingRun>, string])[] = [
      [{ model: unknown('no file names the model') }, 'model: no file names the model'],
      [{ cluster: unknown('no target is set') }, 'hardware: no target is set'],
      [
        { batch: { ...whole.batch, micro: unknown('"auto" that nobody fills') } },
        'micro-batch: "auto" that nobody fills',
      ],
    ];
    for (const [changes, because] of lacks) {
      const { step, assumptions, offloads } = estimateTime({ ...whole, ...changes }, { memory });
      expect(step).toBeNull();
      expect(offloads).toEqual([]);
      expect(assumptions.map((a) => a.because)).toEqual([because]);
    }
  });

  test('takes less than 100 µs to predict', () => {
    const offloaded = run({ model, cluster: p4d, sharding: offloadedSharding(), accumulation: 4, length: 75 });
    for (let i = 0; i < 1000; i++) estimateTime(offloaded, { memory });
    // The fastest of many short batches: other work on the machine only ever adds.
    let best = Number.POSITIVE_INFINITY;
    for (let batch = 0; batch < 100; batch++) {
      const start = performance.now();
      for (let i = 0; i < 20; i++) estimateTime(offloaded, { memory });
      best = Math.min(best, (performance.now() - start) / 20);
    }
    expect(best).toBeLessThan(0.1);
  });
});

describe('collectives', () => {
  const hop = (bytesPerSecond: number) => ({ bytesPerSecond, latencySeconds: 5e-6 });
  const ring = (ranks: number): GroupPath => ({ ranks, perNode: ranks, nodes: 1, intra: hop(200e9), inter: hop(5e9) });

  test('take bytes × (n − 1) ÷ n ÷ rate when large', () => {
    expect(collectiveSeconds('all-gather', 16e9, ring(8))).toBeCloseTo((16e9 * 7) / 8 / 200e9, 3);
    expect(collectiveSeconds('all-reduce', 16e9, ring(8))).toBeCloseTo((2 * 16e9 * 7) / 8 / 200e9, 3);
  });

  test('are bound by latency when small, and then trees beat rings', () => {
    const many: GroupPath = { ranks: 512, perNode: 8, nodes: 64, intra: hop(200e9), inter: hop(5e9) };
    expect(collectiveSeconds('all-reduce', 1024, many)).toBeLessThan(
      2 * collectiveSeconds('reduce-scatter', 1024, many),
    );
  });

  test('over nodes use the shares of all members on a node together', () => {
    const two = (perNode: number): GroupPath => ({
      ranks: 2 * perNode,
      perNode,
      nodes: 2,
      intra: hop(200e9),
      inter: hop(5e9),
    });
    const alone = collectiveSeconds('all-gather', 16e9, two(1));
    const together = collectiveSeconds('all-gather', 16e9, two(8));
    expect(alone).toBeCloseTo(16e9 / 2 / 5e9, 2);
    expect(together).toBeCloseTo((16e9 * 15) / 16 / 40e9, 2);
  });
});
