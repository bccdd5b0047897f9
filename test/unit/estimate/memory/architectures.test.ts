import { describe, expect, it } from 'vitest';
import { estimateMemory } from '../../../../server/src/core/estimate/memory/index';
import { type OraclePoint, oracleModel, oracleRun, readArchitectures } from '../oracle';

const fixture = readArchitectures();

/** Predicted ÷ counted − 1. */
function errorOf(point: OraclePoint): number {
  const { memory } = estimateMemory(oracleRun(point, oracleModel(fixture, point.model, point.architecture)));
  return (memory?.allocated ?? 0) / Math.max(point.result.first.peak, point.result.steady.peak) - 1;
}

const scored = fixture.points.map((point) => ({ id: point.id, error: Math.abs(errorOf(point)) }));
const errors = scored.map(({ error }) => error).sort((a, b) => a - b);
const at = (share: number): number => errors[Math.floor(share * (errors.length - 1))] ?? 1;

describe('every family at full width, against the framework code run on fake tensors', () => {
  it('has points of many families', () => {
    expect(new Set(fixture.points.map(({ model }) => model)).size).toBeGreaterThan(65);
    expect(fixture.points.length).toBeGreaterThan(200);
  });

  it('predicts allocated peaks: median within 1.5 %, nine of ten within 4 %, none beyond 6 %', () => {
    const worst = scored.reduce((a, b) => (b.error > a.error ? b : a));
    expect(at(0.5)).toBeLessThan(0.015);
    expect(at(0.9)).toBeLessThan(0.04);
    expect(worst.error, worst.id).toBeLessThan(0.06);
  });
});
