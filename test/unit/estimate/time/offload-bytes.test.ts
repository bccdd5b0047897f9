import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { estimateTime } from '../../../../server/src/core/estimate/time/index';
import type { Cluster } from '../../../../server/src/core/hardware/hardware';
import type { ZeroSharding } from '../../../../server/src/core/run/training-run';
import { cluster } from './clusters';
import { decoder, given, LLAMA_3_8B, run, zero } from './runs';

const model = decoder(LLAMA_3_8B);
const memory = () => ({ memory: null, assumptions: [] });
const RANKS = 8;

const shape = fc.record({
  stage: fc.constantFrom(1 as const, 2 as const, 3 as const),
  param: fc.boolean(),
  ratio: fc.constantFrom<number>(1, 0.75, 0.5, 0.1),
  accumulation: fc.integer({ min: 1, max: 16 }),
  micro: fc.integer({ min: 1, max: 16 }),
  length: fc.integer({ min: 64, max: 16384 }),
  pinned: fc.boolean(),
});
type Shape = typeof shape extends fc.Arbitrary<infer T> ? T : never;

/** Bytes over the host's link by term, its visible and its hidden part together. */
function moved({ stage, param, ratio, pinned, ...rest }: Shape, on: Cluster): Readonly<Record<string, number>> {
  const sharding: ZeroSharding = zero(stage, {
    offloadOptimizer: given('cpu'),
    offloadParam: given(param ? 'cpu' : 'none'),
    offloadRatio: given(ratio),
    subGroupElements: given(1e6),
    pinMemory: given(pinned),
  });
  const { step, assumptions } = estimateTime(run({ model, cluster: on, sharding, ...rest }), { memory });
  if (!step) throw new Error(JSON.stringify(assumptions));
  const bytes: Record<string, number> = {};
  for (const { id, traffic } of step.terms) {
    const name = id.replace('.hidden', '');
    if (traffic?.link === 'host') bytes[name] = (bytes[name] ?? 0) + traffic.bytes;
  }
  return bytes;
}

const p4d = cluster('p4d.24xlarge', { gpusPerNode: RANKS });
const p5 = cluster('p5.48xlarge', { gpusPerNode: RANKS });

describe('offload conserves bytes', () => {
  test('however fast the link and the GPUs are, and whatever hides behind what', () => {
    fc.assert(
      fc.property(shape, (of) => {
        const slow = moved(of, p4d);
        const fast = moved(of, p5);
        expect(Object.keys(slow).sort()).toEqual(Object.keys(fast).sort());
        for (const [name, bytes] of Object.entries(slow)) expect(fast[name]).toBeCloseTo(bytes, -2);
      }),
      { numRuns: 200 },
    );
  });

  test('every updated weight ends where the weights live, once', () => {
    fc.assert(
      fc.property(shape, (of) => {
        const bytes = moved(of, p4d);
        const own = (2 * model.parameters.total) / RANKS;
        const [up, down] = [bytes['offload.weights-to-gpu'] ?? 0, bytes['offload.weights-to-host'] ?? 0];
        // The host steps the share that is not on the GPU; only stage 3 splits, and only there do weights live on the host.
        const all = { ...of, ratio: 1 };
        const onHost = of.stage === 3 && of.param;
        const whole = moved(all, p4d)['offload.weights-to-gpu'] ?? 0;
        expect(whole).toBeCloseTo(onHost ? 0 : own, -3);
        if (onHost) expect(up).toBe(0);
        else expect(down).toBe(0);
        const kept = of.stage === 3 ? 1 - of.ratio : 0;
        expect(Math.abs((onHost ? down : own - up) / own - kept)).toBeLessThan(0.01);
      }),
      { numRuns: 200 },
    );
  });

  test('gradients go to the host once in every micro-step, and come back from the second on', () => {
    fc.assert(
      fc.property(shape, (of) => {
        const bytes = moved({ ...of, ratio: 1 }, p4d);
        const own = (2 * model.parameters.total) / RANKS;
        expect(bytes['offload.gradients-to-host'] ?? 0).toBeCloseTo((of.accumulation + 2) * own, -4);
        expect(bytes['offload.gradients-to-gpu'] ?? 0).toBeCloseTo((of.accumulation - 1) * own, -4);
      }),
      { numRuns: 100 },
    );
  });
});
