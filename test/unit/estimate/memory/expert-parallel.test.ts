import { describe, expect, it } from 'vitest';
import { readFacts } from '../../../../server/src/core/estimate/memory/facts';
import { estimateMemory } from '../../../../server/src/core/estimate/memory/index';
import { persistentStates } from '../../../../server/src/core/estimate/memory/states';
import type { TrainingRun } from '../../../../server/src/core/run/training-run';
import { value } from '../builders';
import { type OraclePoint, oracleModel, oracleRun, readOracle } from '../oracle';

const fixture = readOracle('sharding-oracle');
const points = fixture.points.filter(({ config }) => config?.expert_parallel !== undefined);

const runOf = (point: OraclePoint): TrainingRun => oracleRun(point, oracleModel(fixture, point.model));

function errorOf(point: OraclePoint): number {
  const { memory } = estimateMemory(runOf(point));
  return (memory?.phases.step?.allocated ?? 0) / Math.max(point.result.first.peak, point.result.steady.peak) - 1;
}

describe('experts spread over ranks, against DeepSpeed AutoEP run on fake tensors', () => {
  it('has ZeRO 1 to 3 on two models', () => {
    expect(points.length).toBeGreaterThanOrEqual(12);
    expect(new Set(points.map(({ sharding }) => sharding))).toEqual(new Set(['zero1', 'zero2', 'zero3']));
  });

  it.each(points.map((point) => [point.id, point] as const))('%s: the peak within 4.5 %%', (_, point) => {
    expect(Math.abs(errorOf(point))).toBeLessThan(0.045);
  });

  it('has a median within 1.2 %', () => {
    const errors = points.map((point) => Math.abs(errorOf(point))).sort((a, b) => a - b);
    expect(errors[Math.floor(errors.length / 2)]).toBeLessThan(0.012);
  });
});

describe('experts spread over ranks', () => {
  const [point] = points;
  if (!point) throw new Error('no point');
  const moments = (expert: number): number => {
    const run = runOf(point);
    const facts = readFacts(
      { ...run, parallelism: { ...run.parallelism, expert: value(expert) } },
      'expected',
      () => undefined,
    );
    if (!facts) throw new Error('no facts');
    return persistentStates(facts).resident.find(({ id }) => id === 'optimizer.moments')?.bytes ?? 0;
  };

  it('has the same share of their optimizer states, since fewer ranks have copies of them', () => {
    expect(moments(4) / moments(1)).toBeCloseTo(1, 9);
    expect(moments(2) / moments(1)).toBeCloseTo(1, 9);
  });

  it('says that tokens are taken to be spread alike', () => {
    const words = (run: TrainingRun) => estimateMemory(run).assumptions.map(({ what }) => what);
    expect(words(runOf(point))).toContain('tokens of each expert');
    const alone = { ...runOf(point), parallelism: { ...runOf(point).parallelism, expert: value(1) } };
    expect(words(alone)).not.toContain('tokens of each expert');
  });
});
