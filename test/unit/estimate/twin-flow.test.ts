import { describe, expect, it } from 'vitest';
import { shareKeptOnGpu } from '../../../server/src/core/estimate/twin-flow';
import { known } from '../../../server/src/core/run/known';

const of = <T>(value: T) => known(value, { kind: 'default', of: 'a test' });
const zero = (ratio: number, subGroup: number, stage: 2 | 3 = 3) => ({
  stage: of<0 | 1 | 2 | 3>(stage),
  offloadRatio: of(ratio),
  subGroupElements: of(subGroup),
});

describe('the share that Twin-Flow keeps on the GPU', () => {
  it('is what the ratio leaves, in whole sub-groups', () => {
    expect(shareKeptOnGpu(zero(0.7, 1e8), 1e9, 'deepspeed')).toBeCloseTo(0.3, 6);
    // Three of ten, and of ten and a third.
    expect(shareKeptOnGpu(zero(0.66, 1e8), 1e9, 'deepspeed')).toBeCloseTo(0.3, 6);
  });

  it('is nothing where one sub-group holds everything, unless the Trainer makes a second one', () => {
    expect(shareKeptOnGpu(zero(0.5, 1e9), 5e8, 'deepspeed')).toBe(0);
    expect(shareKeptOnGpu(zero(0.5, 1e9), 5e8, 'trainer')).toBe(1);
  });

  it('is nothing below stage 3, and without a ratio', () => {
    expect(shareKeptOnGpu(zero(0.5, 1e8, 2), 1e9, 'deepspeed')).toBe(0);
    expect(shareKeptOnGpu(zero(1, 1e8), 1e9, 'deepspeed')).toBe(0);
  });
});
