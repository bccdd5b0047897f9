import { describe, expect, it } from 'vitest';
import { estimateHost } from '../../../server/src/core/estimate/host';
import { estimateMemory } from '../../../server/src/core/estimate/memory/index';
import { testRun, zero } from './builders';

const GIB = 2 ** 30;

/** Llama-3-8B, ZeRO-3, both offloads, 4 GPUs; measured 3.29 GiB allocated and about 150 GiB of host memory. */
const offloaded = testRun({
  world: 4,
  micro: 1,
  sequence: 512,
  accumulation: 4,
  checkpointing: 'full',
  sharding: zero(3, {
    offloadOptimizer: 'cpu',
    offloadParam: 'cpu',
    pinMemory: true,
    overlapComm: true,
    subGroupElements: 1e8,
    reduceBucketElements: 5e7,
    prefetchBucketElements: 5e7,
    persistenceThresholdElements: 40960,
    maxLiveElements: 1e8,
    maxReuseDistanceElements: 1e8,
    gatherWeightsOnSave: true,
  }),
});

describe('the published Llama-3-8B run', () => {
  it('allocates 3.29 GiB on the GPU', () => {
    const { memory } = estimateMemory(offloaded);
    expect((memory?.allocated ?? 0) / GIB).toBeGreaterThan(3.29 * 0.98);
    expect((memory?.allocated ?? 0) / GIB).toBeLessThan(3.29 * 1.02);
    expect(memory?.phase).toBe('step');
  });

  it('needs about 150 GiB on the host', () => {
    const { host } = estimateHost(offloaded);
    expect((host?.bytes ?? 0) / GIB).toBeGreaterThan(150 * 0.95);
    expect((host?.bytes ?? 0) / GIB).toBeLessThan(150 * 1.1);
  });
});
