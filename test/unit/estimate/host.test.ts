import { describe, expect, it } from 'vitest';
import { estimateCheckpoint } from '../../../server/src/core/estimate/checkpoint';
import { estimateHost } from '../../../server/src/core/estimate/host';
import { known, unknown } from '../../../server/src/core/run/known';
import type { Sharding } from '../../../server/src/core/run/training-run';
import { fsdp, type RunSpec, SINGLE, testRun, value, zero } from './builders';

const N = 8_030_261_248;
const host = (run: Parameters<typeof estimateHost>[0]): number => estimateHost(run).host?.bytes ?? 0;
const term = (run: Parameters<typeof estimateHost>[0], id: string): number =>
  estimateHost(run).host?.terms.find((t) => t.id === id)?.bytes ?? 0;

describe('host memory per node', () => {
  it('holds 18 bytes per parameter for an offloaded optimizer, 20 with the parameters', () => {
    const processes = 4 * 1.5 * 2 ** 30;
    const optimizer = testRun({ world: 4, sharding: zero(3, { offloadOptimizer: 'cpu' }) });
    const both = testRun({ world: 4, sharding: zero(3, { offloadOptimizer: 'cpu', offloadParam: 'cpu' }) });
    expect((host(optimizer) - processes) / N).toBeCloseTo(18, 6);
    expect((host(both) - processes) / N).toBeCloseTo(20, 6);
  });

  it('is divided among nodes', () => {
    const one = testRun({ world: 8, gpusPerNode: 8, sharding: zero(3, { offloadOptimizer: 'cpu' }) });
    const two = testRun({ world: 8, gpusPerNode: 4, sharding: zero(3, { offloadOptimizer: 'cpu' }) });
    expect(host(two) * 2).toBeCloseTo(host(one), -3);
  });

  it('leaves the states on disk with NVMe, and keeps the buffers', () => {
    const run = testRun({ world: 4, sharding: zero(3, { offloadOptimizer: 'nvme', offloadParam: 'nvme' }) });
    expect(term(run, 'host.optimizer')).toBe(0);
    expect(term(run, 'host.buffers')).toBeGreaterThan(0);
  });

  it('loads the weights in every rank, or in one where the loader is efficient', () => {
    expect(term(testRun({ sharding: SINGLE }), 'host.load')).toBe(2 * N);
    const ddp = testRun({ world: 4, sharding: { kind: 'ddp', gradientAsBucketView: value(false) } });
    expect(term(ddp, 'host.load')).toBe(4 * 2 * N);
    const run = (cpuRamEfficientLoading: boolean): number =>
      term(testRun({ world: 4, sharding: fsdp({ cpuRamEfficientLoading }) }), 'host.load');
    expect(run(false)).toBe(4 * run(true));
  });

  it('reads what bitsandbytes quantises tensor by tensor, and at most a file at once', () => {
    const run = testRun({ sharding: SINGLE, weights: 'fp32', quantization: 'nf4' });
    // The embedding of 128,256 × 4,096 in 16 bits is what passes through the host.
    expect(term(run, 'host.load')).toBe(2 * 128_256 * 4096);
    const { host: bands, assumptions } = estimateHost(run);
    expect(bands?.high).toBeLessThan(12 * 2 ** 30);
    expect(assumptions.map(({ value }) => value)).toContain('tensor by tensor to the GPU');
  });

  it('does not say that one GPU surely loads through the host, since TRL may hand a device_map over', () => {
    const { host: bands, assumptions } = estimateHost(testRun({ sharding: SINGLE }));
    expect(bands?.low).toBeLessThan(3 * 2 ** 30);
    expect(bands?.high).toBeGreaterThan(2 * N);
    expect(assumptions[0]?.because).toContain('device_map');
  });

  it('loads 16 bits where FSDP makes them fp32 once they are sharded, and fp32 where before', () => {
    const load = (version: 1 | 2, accelerate?: string) => {
      const sharding = fsdp({ version, cpuRamEfficientLoading: false });
      const run = testRun({ world: 4, sharding, weights: 'bf16', mode: 'autocast' });
      return { ...run, frameworks: { trl: value('1.16.0'), ...(accelerate && { accelerate: value(accelerate) }) } };
    };
    // FSDP 1 upcasts its flat parameters; FSDP 2 did so too in 1.12, and upcasts the whole model before it shards it in 1.15.
    expect(term(stated(load(1)), 'host.load')).toBe(4 * 2 * N);
    expect(term(stated(load(2, '1.12.0')), 'host.load')).toBe(4 * 2 * N);
    expect(term(stated(load(2, '1.15.0')), 'host.load')).toBe(4 * 4 * N);
    const open = estimateHost(stated(load(2))).host;
    expect(open?.low).toBeLessThan(4 * 2 * N + 4 * 2 ** 30);
    expect(open?.high).toBeGreaterThan(4 * 4 * N);
  });

  it('offloads no more than Twin-Flow says', () => {
    const share = (offloadRatio: number, subGroupElements: number): number => {
      const sharding = zero(3, { offloadOptimizer: 'cpu', offloadRatio, subGroupElements });
      return term(testRun({ world: 4, sharding }), 'host.optimizer');
    };
    expect(share(0.5, 1e6) / share(1, 1e6)).toBeCloseTo(0.5, 2);
    // One sub-group of everything and one of norms: half of the two is the large one.
    expect(share(0.5, 1e12)).toBe(0);
  });
});

/** The type of the weights as a file gives it, not as a test assumes it. */
function stated(run: ReturnType<typeof testRun>): ReturnType<typeof testRun> {
  const weights = known('bf16' as const, { kind: 'default', of: 'a release', source: 'its code' });
  return { ...run, precision: { ...run.precision, weights } };
}

/** Files of weights of at most 5 GB. */
const OLD = { transformers: value('4.57.6') };

describe('host memory while a checkpoint is saved', () => {
  const saving = (sharding: Sharding, more: RunSpec = {}) =>
    testRun({ world: 8, saves: true, weights: 'fp32', mode: 'autocast', sharding, ...more });

  it('has the whole state on the first rank for a full state dict of FSDP: 8 B a parameter of the optimizer', () => {
    const full = { ...saving(fsdp({ stateDict: 'FULL_STATE_DICT', version: 1 })), frameworks: OLD };
    expect(term(full, 'host.save-optimizer')).toBe(8 * N);
    expect(estimateHost(full).host?.moment).toBe('saving');
  });

  it('has the weights alone where the optimizer is not saved, and shards where each rank saves its own', () => {
    const full = saving(fsdp({ stateDict: 'FULL_STATE_DICT', version: 1 }));
    const only = { ...full, savesOptimizer: value(false) };
    expect(term(only, 'host.save')).toBe(4 * N);
    expect(term(only, 'host.save-optimizer')).toBe(0);
    const sharded = saving(fsdp(), { world: 16, gpusPerNode: 12 });
    expect(term(sharded, 'host.save-optimizer')).toBe((12 / 16) * 8 * N);
  });

  it('has 16-bit weights once where ZeRO-3 gathers them, and in every rank below', () => {
    const gathers = saving(zero(3, { gatherWeightsOnSave: true, offloadOptimizer: 'cpu' }), { weights: 'bf16' });
    expect(term(gathers, 'host.save')).toBe(2 * N);
    expect(term(saving(zero(2, { offloadOptimizer: 'cpu' }), { weights: 'bf16' }), 'host.save')).toBe(8 * 2 * N);
    expect(term(saving(zero(3, { offloadOptimizer: 'cpu' })), 'host.save')).toBe(0);
  });

  it("holds a file of the weights at once: 50 GB since transformers 5, 5 GB before, and none by DeepSpeed's own way", () => {
    const run = saving(zero(2, { offloadOptimizer: 'cpu' }), { weights: 'bf16' });
    expect(term(run, 'host.save-file')).toBe(2 * N);
    expect(term({ ...run, frameworks: OLD }, 'host.save-file')).toBe(5e9);
    expect(estimateHost({ ...run, consumer: value('deepspeed') }).host?.moment).toBe('training');
  });

  it('is left out of the low end where a script that is not read may not save', () => {
    const run = saving(fsdp({ stateDict: 'FULL_STATE_DICT', version: 1 }));
    const open = estimateHost({ ...run, saves: unknown('the script') }).host;
    expect(open?.bytes).toBe(estimateHost(run).host?.bytes);
    expect(open?.low).toBeLessThan((estimateHost(run).host?.low ?? 0) * 0.8);
  });
});

describe('a checkpoint', () => {
  const bytes = (run: Parameters<typeof estimateCheckpoint>[0]): number =>
    estimateCheckpoint(run).checkpoint?.bytes ?? 0;

  it('holds weights and moments of a plain run', () => {
    expect(bytes(testRun({ sharding: SINGLE }))).toBe((2 + 4) * N);
    expect(bytes(testRun({ sharding: SINGLE, weights: 'fp32', mode: 'autocast' }))).toBe((4 + 8) * N);
  });

  it("holds ZeRO's fp32 states, and the model where it is gathered", () => {
    expect(bytes(testRun({ world: 4, sharding: zero(3) }))).toBe(12 * N);
    expect(bytes(testRun({ world: 4, sharding: zero(3, { gatherWeightsOnSave: true }) }))).toBe(14 * N);
    expect(bytes(testRun({ world: 4, sharding: zero(2) }))).toBe(16 * N);
  });

  it('does not grow with the number of ranks', () => {
    expect(bytes(testRun({ world: 4, sharding: fsdp() }))).toBeCloseTo(
      bytes(testRun({ world: 16, sharding: fsdp() })),
      -1,
    );
  });

  it('holds adapters only under LoRA', () => {
    const run = testRun({ lora: { rank: 16, targets: ['all-linear'] } });
    const adapters = 41_943_040; // PEFT's count for r = 16 on the seven linear layers of Llama-3-8B.
    expect(bytes(run)).toBe((4 + 8) * adapters);
  });
});
