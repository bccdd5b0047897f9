import { describe, expect, it } from 'vitest';
import { readFacts } from '../../../../server/src/core/estimate/memory/facts';
import { estimateMemory } from '../../../../server/src/core/estimate/memory/index';
import { sumBytes } from '../../../../server/src/core/estimate/memory/part';
import { persistentStates } from '../../../../server/src/core/estimate/memory/states';
import { type OraclePoint, oracleModel, oracleRun, readOracle } from '../oracle';

const fixture = readOracle('ddp-oracle');

/** Bytes that stay between steps: weights, moments and buckets. */
function standing(point: OraclePoint): number {
  const facts = readFacts(oracleRun(point, oracleModel(fixture, point.model)), 'expected', () => undefined);
  if (facts === undefined) throw new Error('no facts');
  const states = persistentStates(facts);
  return sumBytes(states.resident) + sumBytes(states.standing);
}

describe("DDP's buckets against torch's own reducer", () => {
  it('has a flat copy of the gradients, unless they are views of it', () => {
    expect(fixture.points.filter(({ bucket_view }) => bucket_view).length).toBe(fixture.points.length / 2);
    for (const point of fixture.points) {
      const ratio = standing(point) / point.result.steady.between;
      expect(ratio, point.id).toBeCloseTo(1, 3);
    }
  });

  it('predicts peaks within 1 %, with and without gradients of earlier micro-steps', () => {
    for (const point of fixture.points) {
      const { memory } = estimateMemory(oracleRun(point, oracleModel(fixture, point.model)));
      const peak = Math.max(point.result.first.peak, point.result.steady.peak);
      expect(Math.abs((memory?.phases.step?.allocated ?? 0) / peak - 1), point.id).toBeLessThan(0.01);
    }
  });
});
