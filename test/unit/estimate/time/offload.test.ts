import { describe, expect, test } from 'vitest';
import { estimateTime } from '../../../../server/src/core/estimate/time/index';
import type { TrainingRun } from '../../../../server/src/core/run/training-run';
import { cluster } from './clusters';
import { decoder, fsdp, given, LLAMA_3_8B, offloadedSharding, run, zero } from './runs';

const model = decoder(LLAMA_3_8B);
const memory = () => ({ memory: null, assumptions: [] });
const p4d = cluster('p4d.24xlarge', { gpusPerNode: 4 });

function terms(of: TrainingRun): Readonly<Record<string, number>> {
  const { step } = estimateTime(of, { memory });
  return Object.fromEntries((step?.terms ?? []).map(({ id, seconds }) => [id, seconds]));
}

function offloaded(changes: Partial<TrainingRun> = {}, sharding = offloadedSharding()): TrainingRun {
  return run({ model, cluster: p4d, sharding, accumulation: 4, length: 75, changes });
}

describe('offload', () => {
  test("moves the bytes of DeepSpeed's code path", () => {
    const rate = p4d.host.copyBytesPerSecondPerGpu;
    const shard = (2 * model.parameters.total) / 4;
    const found = terms(offloaded());
    const outside = (2 * 2 * 128256 * 4096) / 4;
    expect((found['offload.param-to-gpu'] ?? 0) * rate).toBeCloseTo(4 * (3 * (shard - outside) + 2 * outside), -6);
    expect((found['offload.gradients-to-gpu'] ?? 0) * rate).toBeCloseTo(3 * shard, -6);
    expect((found['offload.gradients-to-host.hidden'] ?? 0) * rate).toBeCloseTo(4 * shard + 2 * shard, -6);
  });

  test('is slower from memory that is not pinned', () => {
    const loose = terms(offloaded({}, { ...offloadedSharding(), pinMemory: given(false) }));
    expect((loose['offload.param-to-gpu'] ?? 0) / (terms(offloaded())['offload.param-to-gpu'] ?? 1)).toBeCloseTo(
      2.5,
      6,
    );
  });

  test('gives the CPU optimizer the threads of OMP_NUM_THREADS, one where torchrun starts several processes', () => {
    const one = terms(offloaded())['optimizer.cpu'] ?? 0;
    const twelve = terms(offloaded({ ompThreads: given(12) }))['optimizer.cpu'] ?? 0;
    // Twelve threads on each of four ranks run into the bandwidth of two sockets before they are twelve times as fast.
    expect(one / twelve).toBeGreaterThan(2.5);
    expect(one / twelve).toBeLessThan(12);
    // The deepspeed launcher leaves OMP_NUM_THREADS alone.
    expect(terms(offloaded({ consumer: given('deepspeed') }))['optimizer.cpu']).toBeCloseTo(twelve, 6);
  });

  test('of a share of the optimizer costs its share', () => {
    const sharding = zero(3, {
      offloadOptimizer: given('cpu'),
      offloadRatio: given(0.5),
      subGroupElements: given(1e7),
    });
    const half = terms(run({ model, cluster: p4d, sharding }));
    const whole = terms(run({ model, cluster: p4d, sharding: zero(3, { offloadOptimizer: given('cpu') }) }));
    expect((half['optimizer.cpu'] ?? 0) / (whole['optimizer.cpu'] ?? 1)).toBeCloseTo(0.5, 2);
    expect(half['offload.gradients-to-host']).toBeGreaterThan(0);
    expect(half['optimizer.gpu']).toBeGreaterThan(0);
    const { assumptions } = estimateTime(run({ model, cluster: p4d, sharding }), { memory });
    expect(assumptions).toContainEqual({
      what: 'optimizer states on the GPU',
      value: expect.stringMatching(/^(49|50) ?%$/),
      because: expect.stringContaining('ratio 0.5 counts sub-groups'),
    });
    expect(whole['optimizer.gpu']).toBeUndefined();
  });

  test('to NVMe waits for drives that all ranks of the node share', () => {
    const nvme = zero(3, { offloadOptimizer: given('nvme'), offloadParam: given('nvme') });
    const found = terms(run({ model, cluster: p4d, sharding: nvme }));
    const read = p4d.host.nvmeReadBytesPerSecond ?? 0;
    expect((found['offload.param-nvme'] ?? 0) * read).toBeCloseTo(2 * 2 * model.parameters.total, -6);
    expect((found['offload.optimizer-nvme'] ?? 0) * read).toBeGreaterThanOrEqual(
      16 * model.parameters.total * (1 - 1e-9),
    );
  });

  test("by FSDP steps torch's own AdamW, far slower than DeepSpeed's", () => {
    const shape = {
      model,
      cluster: p4d,
      changes: { optimizer: { ...offloaded().optimizer, implementation: given('foreach' as const) } },
    };
    const torch = terms(run({ ...shape, sharding: fsdp({ offloadParams: given(true) }) }));
    const deepspeed = terms(
      run({ ...shape, sharding: zero(3, { offloadOptimizer: given('cpu'), offloadParam: given('cpu') }) }),
    );
    expect((torch['optimizer.cpu'] ?? 0) / (deepspeed['optimizer.cpu'] ?? 1)).toBeGreaterThanOrEqual(3);
  });

  test('that the stage ignores costs nothing', () => {
    const ignored = terms(run({ model, cluster: p4d, sharding: zero(2, { offloadParam: given('cpu') }) }));
    expect(Object.keys(ignored).filter((id) => id.startsWith('offload'))).toEqual([]);
    const { offloads } = estimateTime(run({ model, cluster: p4d, sharding: zero(2, { offloadParam: given('cpu') }) }), {
      memory,
    });
    expect(offloads).toEqual([]);
  });
});
