import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nearestBatches } from '../../../server/src/core/rules-support/batch-triples';

const count = fc.integer({ min: 1, max: 64 });

it('gives batches for which the equation holds, each once, that change one part or two', () => {
  fc.assert(
    fc.property(
      fc.record({ total: fc.integer({ min: 1, max: 4096 }), micro: count, steps: count }),
      count,
      (batch, ranks) => {
        fc.pre(batch.total !== batch.micro * batch.steps * ranks);
        const found = nearestBatches(batch, ranks);
        expect(found.length).toBeGreaterThan(0);
        expect(new Set(found.map((one) => JSON.stringify(one))).size).toBe(found.length);
        for (const { total, micro, steps } of found) {
          expect(total).toBe(micro * steps * ranks);
          const changed = [total !== batch.total, micro !== batch.micro, steps !== batch.steps].filter(Boolean).length;
          expect([1, 2]).toContain(changed);
        }
      },
    ),
    { numRuns: 2000, seed: 41 },
  );
});

it('keeps what can be kept, and else stays near', () => {
  expect(nearestBatches({ total: 64, micro: 4, steps: 4 }, 8)).toEqual([
    { total: 128, micro: 4, steps: 4 },
    { total: 64, micro: 4, steps: 2 },
    { total: 64, micro: 2, steps: 4 },
  ]);
  expect(nearestBatches({ total: 100, micro: 4, steps: 8 }, 8)).toEqual([
    { total: 256, micro: 4, steps: 8 },
    { total: 96, micro: 4, steps: 3 },
    { total: 128, micro: 4, steps: 4 },
  ]);
});
