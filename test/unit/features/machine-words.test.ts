import { expect, it } from 'vitest';
import type { Estimate, MemoryEstimate } from '../../../server/src/core/estimate/estimate';
import { machineWords } from '../../../server/src/core/features/machine-words';

const GIB = 2 ** 30;

function memoryWords(high: number): string {
  const memory = { value: 13.2 * GIB, low: 12 * GIB, high, capacity: 14.6 * GIB } as MemoryEstimate;
  const estimate = { memory, step: null } as Estimate;
  return machineWords({ estimate, tokensPerSecond: undefined, usdPerBillionTokens: undefined, usdPerEpoch: undefined })
    .memory;
}

it('marks a band that ends where the memory does', () => {
  expect(memoryWords(13.9 * GIB)).toBe('13.2 of 14.6 GiB (to 13.9)');
  expect(memoryWords(14.6 * GIB)).toBe('13.2 of 14.6 GiB (the cache may fill it)');
});
