import { describe, expect, it } from 'vitest';
import { estimateMemory } from '../../../../server/src/core/estimate/memory/index';
import { fsdp, testRun } from '../builders';

/** Bytes that are gathered while a checkpoint is written. */
function gathered(set: Parameters<typeof fsdp>[0]): number {
  const run = testRun({ sharding: fsdp(set), world: 8, weights: 'fp32', mode: 'autocast', saves: true });
  const terms = estimateMemory(run).memory?.phases.save?.terms ?? [];
  return terms.find(({ id }) => id === 'buffers.saved')?.bytes ?? 0;
}

describe('saving under FSDP', () => {
  const unit = gathered({ version: 1, stateDict: 'FULL_STATE_DICT' });

  it('1 gathers a unit in the width of the stored weights, for a sharded state dict too', () => {
    expect(unit).toBeGreaterThan(0);
    expect(gathered({ version: 1, stateDict: 'SHARDED_STATE_DICT' })).toBe(unit);
    expect(gathered({ version: 1, stateDict: 'LOCAL_STATE_DICT' })).toBe(0);
    expect(gathered({ version: 1, stateDict: 'FULL_STATE_DICT', wrap: 'NO_WRAP' })).toBeGreaterThan(7 * unit);
  });

  it('2 gathers one parameter, for a full state dict only', () => {
    // The embedding of Llama 3 8B in fp32.
    expect(gathered({ version: 2, stateDict: 'FULL_STATE_DICT' })).toBe(4 * 128256 * 4096);
    expect(gathered({ version: 2, stateDict: 'SHARDED_STATE_DICT' })).toBe(0);
  });
});
