import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readFacts } from '../../../../server/src/core/estimate/memory/facts';
import { momentsOf } from '../../../../server/src/core/estimate/memory/moments';
import { sumBytes } from '../../../../server/src/core/estimate/memory/part';
import type { TrainingRun } from '../../../../server/src/core/run/training-run';
import { testRun, value } from '../builders';
import { oracleModel } from '../oracle';

/** One evaluation batch of test/oracle/record_evaluation.py: the most that was on the GPU at once beside the weights. */
interface Point {
  readonly id: string;
  readonly what: 'loss' | 'generate';
  readonly model: string;
  readonly dtype: 'bf16' | 'fp32' | 'amp_bf16';
  readonly micro_batch: number;
  readonly seq_len: number;
  readonly length?: number;
  readonly beams?: number;
  readonly result: { readonly peak: number };
}

type Fixture = Parameters<typeof oracleModel>[0] & { readonly points: readonly Point[] };

const fixture: Fixture = JSON.parse(
  readFileSync(new URL('../fixtures/evaluation-oracle.json', import.meta.url), 'utf8'),
);

const TYPES = {
  bf16: { weights: 'bf16', compute: 'bf16' },
  fp32: { weights: 'fp32', compute: 'fp32' },
  amp_bf16: { weights: 'fp32', compute: 'bf16', mode: 'autocast' },
} as const;

function runOf({ model, dtype, micro_batch: micro, seq_len: sequence, length, beams }: Point): TrainingRun {
  const run = testRun({ ...TYPES[dtype], model: oracleModel(fixture, model), micro, sequence, evaluation: true });
  if (length === undefined || beams === undefined) return run;
  return { ...run, evalGeneration: { asked: value(true), length: value(length), beams: value(beams) } };
}

/** Bytes beside weights and states at the largest moment of evaluation, of those that generate or of the others. */
function predicted(point: Point): number {
  const facts = readFacts(runOf(point), 'expected', () => undefined);
  if (!facts) throw new Error('no facts');
  const generates = (name: string): boolean => /^generation$|^the (prompt|input) is read$/.test(name);
  const moments = momentsOf(facts).moments.filter(
    ({ phase, name }) => phase === 'eval' && generates(name) === (point.what === 'generate'),
  );
  return Math.max(
    ...moments.map(({ parts }) => sumBytes(parts.filter(({ group }) => !/parameters|optimizer/.test(group)))),
  );
}

describe('evaluation, as the real classes run it on fake tensors', () => {
  it('has losses and generation, with and without an encoder, greedy and with beams, in every precision', () => {
    for (const what of ['loss', 'generate'] as const) {
      const points = fixture.points.filter((it) => it.what === what);
      expect(new Set(points.map(({ model }) => model)).size).toBe(3);
      expect(new Set(points.map(({ dtype }) => dtype)).size).toBe(3);
    }
  });

  it.each(fixture.points.map((point) => [point.id, point] as const))('%s: the peak within 6 %%', (_, point) => {
    expect(Math.abs(predicted(point) / point.result.peak - 1)).toBeLessThan(0.06);
  });
});
