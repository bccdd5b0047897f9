import { describe, expect, test } from 'vitest';
import type { MemoryEstimate } from '../../../../server/src/core/estimate/estimate';
import { estimateMemory } from '../../../../server/src/core/estimate/memory/index';
import { estimateTime, linkIfUsed } from '../../../../server/src/core/estimate/time/index';
import type { Cluster } from '../../../../server/src/core/hardware/hardware';
import { cluster } from './clusters';
import { decoder, given, LLAMA_3_8B, offloadedSharding, run, zero } from './runs';

/**
 * Llama-3-8B, ZeRO-3 with optimizer and parameters on the CPU, micro-batch 1, 4 accumulation steps, wikitext lines of about
 * 75 tokens: gnosia93/training-on-eks appendix/a2-ec2-nvlink.md and a3.training-perf-topology.md, seconds of 50 steps ÷ 50.
 */
const model = decoder(LLAMA_3_8B);

function pods(instance: string, transport: string): Cluster {
  const between = { transport, nicsPerNode: 1 };
  return cluster({ instance, nodes: 4, gpusPerNode: 1, nodesPerMachine: 4, between });
}

function inside(instance: string, path: string): Cluster {
  return cluster({ instance, nodes: 1, gpusPerNode: 4, inside: { path } });
}

const ROWS: readonly (readonly [name: string, cluster: Cluster, measured: number])[] = [
  ['four A100 on NVSwitch', inside('p4d.24xlarge', 'nvlink'), 19.5],
  ['four L40S through host memory', inside('g6e.48xlarge', 'shm'), 46.2],
  ['four pods, EFA with GPUDirect RDMA', pods('p4d.24xlarge', 'efa-gdr'), 47.4],
  ['four pods, TCP', pods('p4d.24xlarge', 'tcp'), 96.6],
  ['four pods, EFA without GPUDirect RDMA', pods('g6e.48xlarge', 'efa'), 155.6],
];

const MORE_ROWS: typeof ROWS = [
  ['one A100', cluster('p4d.24xlarge', { gpusPerNode: 1 }), 27.3],
  ['four H100 on NVSwitch', inside('p5.48xlarge', 'nvlink'), 24.1],
  ['four H100 pods, EFA with GPUDirect RDMA', pods('p5.48xlarge', 'efa-gdr'), 79.4],
];

const FITS: MemoryEstimate = {
  value: 20e9,
  low: 18e9,
  high: 22e9,
  capacity: 42e9,
  fits: true,
  phase: 'step',
  allocated: 17e9,
  breakdown: {
    parameters: 4e9,
    gradients: 4e9,
    optimizer: 0,
    activations: 1e9,
    logits: 1e9,
    buffers: 7e9,
    context: 1e9,
    fragmentation: 2e9,
  },
  phases: { load: null, step: null, eval: null, save: null },
};

function estimate(on: Cluster) {
  const offloaded = run({ model, cluster: on, sharding: offloadedSharding(), accumulation: 4, length: 75 });
  return estimateTime(offloaded, { memory: () => ({ memory: FITS, assumptions: [] }) });
}

function seconds(on: Cluster): number {
  return estimate(on).step?.seconds ?? Number.NaN;
}

describe('the published Llama-3-8B runs', () => {
  test.each([...ROWS, ...MORE_ROWS])('%s: within a fifth', (_name, on, measured) => {
    const error = seconds(on) / measured - 1;
    expect(Math.abs(error)).toBeLessThan(0.2);
  });

  test('H100 take longer than A100, since the host decides', () => {
    const a100 = estimate(inside('p4d.24xlarge', 'nvlink')).step;
    const h100 = estimate(inside('p5.48xlarge', 'nvlink')).step;
    expect(h100?.seconds).toBeGreaterThan(a100?.seconds ?? Number.POSITIVE_INFINITY);
    expect(h100?.bottleneck).toBe('CPU optimizer');
  });

  test.each([...ROWS, ...MORE_ROWS])('%s: the band holds the measurement', (_name, on, measured) => {
    const { step } = estimate(on);
    expect(step?.low).toBeLessThan(measured);
    expect(step?.high).toBeGreaterThan(measured);
  });

  test('come in the measured order', () => {
    const predicted = ROWS.map(([, on]) => seconds(on));
    expect(predicted).toEqual([...predicted].sort((a, b) => a - b));
  });

  test.each(ROWS)('%s: the GPUs compute less than a twentieth of the step', (_name, on) => {
    const { step, assumptions } = estimate(on);
    expect((step?.breakdown.compute ?? 1) / (step?.seconds ?? 1)).toBeLessThan(0.05);
    expect(assumptions.find(({ what }) => what === 'balance of the step')?.value).toMatch(
      /-bound: the GPUs compute \d\.\d % of the step/,
    );
  });

  test('on NVSwitch the host is what everything waits for', () => {
    const { step, assumptions, links } = estimate(inside('p4d.24xlarge', 'nvlink'));
    expect(['host link (PCIe)', 'CPU optimizer']).toContain(step?.bottleneck);
    expect(assumptions.find(({ what }) => what === 'balance of the step')?.value).toContain('host-bound');
    expect(assumptions.find(({ what }) => what === 'CPU threads per rank')?.value).toBe('1');
    expect(links).toMatchObject([{ dimension: 'shard', ranks: 4, verdict: 'good', label: 'NVSwitch 300 GB/s: good' }]);
  });

  test('parameter offload is not needed, and removing it saves seconds', () => {
    const { step, offloads, assumptions } = estimate(inside('p4d.24xlarge', 'nvlink'));
    const param = offloads.find(({ what }) => what === 'param');
    expect(param?.fitsWithout).toBe(true);
    expect(param?.gpuBytesWithout).toBe(20e9);
    expect(assumptions.find(({ what }) => what === 'parameter offload')).toMatchObject({
      value: expect.stringMatching(/^not needed: without it a step takes about [\d.]+ s, [\d.]+ s less$/),
      because: 'with the rest unchanged, each GPU then needs 18.6 GiB of 39.4 GiB',
    });
    expect(param?.secondsPerStep).toBeGreaterThan(3);
    expect(param?.stepSecondsWithout).toBeCloseTo((step?.seconds ?? 0) - (param?.secondsPerStep ?? 0), 6);
    // 2 bytes a parameter over the four ranks of the node.
    expect(param?.hostBytesPerNode).toBeCloseTo(2 * 8_030_261_248, -3);
    expect(offloads.find(({ what }) => what === 'optimizer')?.hostBytesPerNode).toBeCloseTo(18 * 8_030_261_248, -3);
  });

  test('the memory model agrees that the weights fit on the GPU', () => {
    const offloaded = run({
      model,
      cluster: inside('p4d.24xlarge', 'nvlink'),
      sharding: offloadedSharding(),
      accumulation: 4,
      length: 75,
    });
    const { offloads } = estimateTime(offloaded, { memory: estimateMemory });
    expect(offloads.find(({ what }) => what === 'param')?.fitsWithout).toBe(true);
  });

  test('on g6e tensor parallelism would be a mistake', () => {
    const g6e = inside('g6e.48xlarge', 'shm');
    const verdict = linkIfUsed(run({ model, cluster: g6e, sharding: zero(3) }), 'tensor', 4);
    expect(verdict).toMatchObject({ verdict: 'bad', crossesNodes: false });
    expect(verdict?.label).toContain('SHM');
    const said = estimate(g6e).assumptions.find(({ what }) => what === 'tensor parallelism');
    expect(said?.value).toContain('would be a mistake');
    const p4d = estimate(inside('p4d.24xlarge', 'nvlink'));
    expect(p4d.assumptions.find(({ what }) => what === 'tensor parallelism')).toBeUndefined();
  });

  test('a third gather is paid because a block is larger than max_live_parameters', () => {
    const on = inside('g6e.48xlarge', 'shm');
    const wide = { ...offloadedSharding(), maxLiveElements: given(1e9), maxReuseDistanceElements: given(1e9) };
    const kept = estimateTime(run({ model, cluster: on, sharding: wide, accumulation: 4, length: 75 }), {
      memory: () => ({ memory: null, assumptions: [] }),
    });
    const term = estimate(on).step?.terms.find(({ id }) => id === 'communication.gather-weights');
    expect(term?.formula).toContain('stage3_max_live_parameters 1e8 is less than one block');
    expect(kept.step?.seconds).toBeLessThan(seconds(on));
  });
});
