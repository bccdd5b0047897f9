import { describe, expect, it } from 'vitest';
import { estimateMemory } from '../../../../server/src/core/estimate/memory/index';
import { type OraclePoint, oracleModel, oracleRun, readOracle } from '../oracle';

const fixture = readOracle('sharding-oracle');

function errorOf(point: OraclePoint): number {
  const { memory } = estimateMemory(oracleRun(point, oracleModel(fixture, point.model)));
  const peak = Math.max(point.result.first.peak, point.result.steady.peak);
  // Loading and saving are no part of what was run.
  return (memory?.phases.step?.allocated ?? 0) / peak - 1;
}

const scored = fixture.points.map((point) => ({ point, error: errorOf(point) }));

describe('every kind of sharding against the framework code run on fake tensors', () => {
  it('has FSDP 1 and 2, HSDP and ZeRO 1 to 3, on models of several families', () => {
    const kinds = new Set(fixture.points.map(({ sharding, replicate }) => `${sharding}${replicate ? ' hsdp' : ''}`));
    for (const kind of ['fsdp1', 'fsdp2', 'fsdp2 hsdp', 'zero0', 'zero1', 'zero2', 'zero3'])
      expect(kinds).toContain(kind);
    expect(new Set(fixture.points.map(({ model }) => model.split('-')[0])).size).toBeGreaterThanOrEqual(8);
  });

  it('says why a point is left out', () => {
    for (const [id, why] of Object.entries(fixture.left ?? {}))
      expect(`${id}: ${why}`).toMatch(
        /fsdp8-adafactor: transformers' Adafactor adds plain|fsdp1-8-off: a fake parameter/,
      );
  });

  it('knows what ZeRO-3 has gathered, whatever its keys say', () => {
    const keyed = scored.filter(({ point }) => /-z3-d4-(persist|live|lora-persist)/.test(point.id));
    expect(keyed.length).toBeGreaterThanOrEqual(12);
    for (const { point, error } of keyed) expect(Math.abs(error), point.id).toBeLessThan(0.025);
  });

  it('predicts ZeRO-3 where the loss decides: within 0.1 % at full depth, mixtures of experts too', () => {
    const ids = [
      'llama3-32-z3-d16-auto',
      'qwen3-36-z3-d16-auto',
      'gpt2-48-z3-d16-auto',
      'olmoe-8-z3-d16-auto',
      'mistral-32-z3-d16-auto',
    ];
    const deep = scored.filter(({ point }) => ids.includes(point.id));
    expect(deep.length).toBe(ids.length);
    for (const { point, error } of deep) expect(Math.abs(error), point.id).toBeLessThan(0.001);
  });

  it('predicts allocated peaks: median within 0.5 %, nine of ten within 2 %, none beyond 6 %', () => {
    const sorted = [...scored].sort((a, b) => Math.abs(a.error) - Math.abs(b.error));
    const at = (share: number): number => Math.abs(sorted[Math.floor(share * (sorted.length - 1))]?.error ?? 1);
    expect(at(0.5)).toBeLessThan(0.005);
    expect(at(0.9)).toBeLessThan(0.02);
    expect(at(1), sorted[sorted.length - 1]?.point.id).toBeLessThan(0.06);
  });
});
