import { describe, expect, it } from 'vitest';
import type { Estimate, MemoryEstimate, StepEstimate } from '../../../server/src/core/estimate/estimate';
import { remedyWords } from '../../../server/src/core/features/remedy-words';
import type { Remedy } from '../../../server/src/core/fit/confirm';

const GIB = 2 ** 30;

function wordsOf(title: string, [low, high]: readonly [number, number] = [7.05, 13.7]) {
  const memory = { value: 40 * GIB, low: 38.7 * GIB, high: 52.6 * GIB, capacity: 79.2 * GIB } as MemoryEstimate;
  const estimate = { memory, host: null, step: { seconds: 10, low, high } as StepEstimate } as Estimate;
  const remedy = { title, merits: ['balanced'], training: 'same', notes: [], estimate } as unknown as Remedy;
  return remedyWords(remedy, estimate);
}

describe('a remedy in a list', () => {
  it('says micro-batch and accumulation in one word each, and all else as the title does', () => {
    expect(
      wordsOf('Set per_device_train_batch_size to 4 and gradient_accumulation_steps to 2, turn on use_liger_kernel')
        .short,
    ).toBe('Micro-batch 4 × 2 steps, turn on use_liger_kernel');
    expect(
      wordsOf('Pack samples (packing) and set train_micro_batch_size_per_gpu to 1 and gradient_accumulation_steps to 8')
        .short,
    ).toBe('Pack samples (packing) and micro-batch 1 × 8 steps');
    expect(wordsOf('Remove offload_optimizer').short).toBe('Remove offload_optimizer');
  });

  it('writes a unit once where both ends of the band share it', () => {
    expect(wordsOf('').brief).toBe('38.7 to 52.6 of 79.2 GiB · 7.05 to 13.7 s a step');
    expect(wordsOf('', [0.08, 1.2]).brief).toContain('80.0 ms to 1.20 s a step');
    expect(wordsOf('', [90, 130]).brief).toContain('90.0 s to 2 min 10 s a step');
  });
});
