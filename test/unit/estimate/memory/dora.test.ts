import { describe, expect, it } from 'vitest';
import { estimateMemory } from '../../../../server/src/core/estimate/memory/index';
import { type OraclePoint, oracleModel, oracleRun, readOracle } from '../oracle';

const fixture = readOracle('dora-oracle');

function errorOf(point: OraclePoint): number {
  const { memory } = estimateMemory(oracleRun(point, oracleModel(fixture, point.model)));
  const counted = Math.max(point.result.first.peak, point.result.steady.peak);
  return (memory?.phases.step?.allocated ?? 0) / counted - 1;
}

describe("DoRA against PEFT's own layers, run on fake tensors", () => {
  it.each(fixture.points.map((point) => [point.id, point] as const))('%s is within 4 %%', (_, point) => {
    expect(Math.abs(errorOf(point))).toBeLessThan(0.04);
  });
});
