import { describe, expect, it } from 'vitest';
import { estimateMemory } from '../../../../server/src/core/estimate/memory/index';
import { known, type Origin } from '../../../../server/src/core/run/known';
import { testRun } from '../builders';

const LIGER: Origin = { kind: 'file', path: '/train.yaml', key: 'use_liger_kernel', start: 0, end: 1 };
const CHUNKED: Origin = { kind: 'file', path: '/train.yaml', key: 'loss_type', start: 0, end: 1 };

/** Bytes of logits while evaluating. */
function logits(fused: boolean, origin: Origin): number {
  const run = { ...testRun({ micro: 4, sequence: 2048, evaluation: true }), fusedLoss: known(fused, origin) };
  const terms = estimateMemory(run).memory?.phases.eval?.terms ?? [];
  return terms.find(({ id }) => id === 'logits')?.bytes ?? 0;
}

describe('evaluation', () => {
  it("makes all logits under Liger's loss, which is fused only while training", () => {
    const plain = logits(false, LIGER);
    expect(plain).toBeGreaterThan(0);
    expect(logits(true, LIGER)).toBe(plain);
  });

  it("makes them in chunks under TRL's chunked loss", () => {
    expect(logits(true, CHUNKED)).toBeLessThan(0.1 * logits(false, CHUNKED));
  });
});
