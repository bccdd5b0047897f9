import { describe, expect, test } from 'vitest';
import { estimateTime, linkIfUsed } from '../../../../server/src/core/estimate/time/index';
import type { Cluster } from '../../../../server/src/core/hardware/hardware';
import { unknown } from '../../../../server/src/core/run/known';
import { cluster } from './clusters';
import { decoder, fsdp, given, LLAMA_3_8B, type RunShape, run, zero } from './runs';

const model = decoder(LLAMA_3_8B);
const memory = () => ({ memory: null, assumptions: [] });

function links(shape: Omit<RunShape, 'model'>) {
  return estimateTime(run({ model, ...shape }), { memory }).links;
}

function tensorVerdict(on: Cluster, tensor: number): string | undefined {
  return linkIfUsed(run({ model, cluster: on, sharding: zero(1) }), 'tensor', tensor)?.verdict;
}

describe('link verdicts', () => {
  test('tensor parallelism is good on NVSwitch inside a node and bad across nodes', () => {
    const p4d = cluster('p4d.24xlarge', { nodes: 2, gpusPerNode: 8 });
    expect(tensorVerdict(p4d, 8)).toBe('good');
    const across = linkIfUsed(run({ model, cluster: p4d, sharding: zero(1) }), 'tensor', 16);
    expect(across).toMatchObject({ verdict: 'bad', crossesNodes: true });
    expect(across?.label).toMatch(/^crosses nodes, [\d.]+ GB\/s: [\d.]+× slower$/);
  });

  test('tensor parallelism needs more than PCIe, and a rack of NVLink carries it between nodes', () => {
    expect(tensorVerdict(cluster('g6e.48xlarge', { gpusPerNode: 8 }), 2)).toBe('bad');
    const rack = cluster({ instance: 'p6e-gb200.36xlarge', nodes: 4, between: { transport: 'nvlink' } });
    expect(tensorVerdict(rack, 8)).toBe('good');
  });

  test('full sharding across slow nodes is bad when the step waits for it, and no fault when it does not', () => {
    const slow = cluster({
      instance: 'p4d.24xlarge',
      nodes: 4,
      gpusPerNode: 1,
      between: { transport: 'tcp', nicsPerNode: 1 },
    });
    const short = links({ cluster: slow, sharding: fsdp(), length: 128 });
    expect(short).toMatchObject([{ dimension: 'shard', ranks: 4, verdict: 'bad' }]);
    const p5 = cluster('p5.48xlarge', { nodes: 2, gpusPerNode: 8 });
    expect(links({ cluster: p5, sharding: fsdp(), micro: 4, length: 4096 })).toMatchObject([{ verdict: 'good' }]);
  });

  test('ZeRO-1 is judged as data parallelism, hybrid sharding as both', () => {
    const p4d = cluster('p4d.24xlarge', { nodes: 2, gpusPerNode: 8 });
    expect(links({ cluster: p4d, sharding: zero(1) }).map(({ dimension }) => dimension)).toEqual(['data']);
    const hybrid = links({ cluster: p4d, sharding: fsdp({ strategy: given('HYBRID_SHARD') }), shard: 8 });
    expect(hybrid).toMatchObject([
      { dimension: 'shard', ranks: 8, crossesNodes: false },
      { dimension: 'data', ranks: 2, crossesNodes: true },
    ]);
  });

  test('inner dimensions stay on a node, outer ones cross', () => {
    const p5 = cluster('p5.48xlarge', { nodes: 4, gpusPerNode: 8 });
    const verdicts = links({ cluster: p5, sharding: zero(1), tensor: 8, pipeline: 2, accumulation: 8 });
    expect(verdicts).toMatchObject([
      { dimension: 'tensor', crossesNodes: false, verdict: 'good' },
      { dimension: 'pipeline', crossesNodes: true, verdict: 'good' },
      { dimension: 'data', ranks: 2, crossesNodes: true },
    ]);
  });

  test('are given without a model, and not without a cluster', () => {
    const p4d = cluster('p4d.24xlarge', { nodes: 2, gpusPerNode: 8 });
    const bare = run({ model, cluster: p4d, sharding: zero(1), tensor: 16, changes: { model: unknown('not named') } });
    expect(estimateTime(bare, { memory }).links).toMatchObject([{ dimension: 'tensor', verdict: 'bad' }]);
    const nowhere = { ...bare, cluster: unknown<Cluster>('no target') };
    expect(estimateTime(nowhere, { memory }).links).toEqual([]);
  });

  test('hold where the run starts more processes than the cluster has GPUs, and the estimate says so', () => {
    const p4d = cluster('p4d.24xlarge', { gpusPerNode: 8 });
    const wide = run({ model, cluster: p4d, sharding: zero(3) });
    const sixteen = { ...wide.parallelism, data: given(16), shard: given(16) };
    const {
      step,
      links: found,
      assumptions,
    } = estimateTime({ ...wide, worldSize: given(16), parallelism: sixteen }, { memory });
    expect(found).toMatchObject([{ ranks: 16, crossesNodes: false }]);
    expect(Number.isFinite(step?.low)).toBe(true);
    expect(assumptions.find(({ what }) => what === 'world size')?.because).toContain('has 8 GPUs');
  });

  test('hybrid sharding stays in the node when no size is given', () => {
    const p4d = cluster('p4d.24xlarge', { nodes: 2, gpusPerNode: 8 });
    const hybrid = run({ model, cluster: p4d, sharding: fsdp({ strategy: given('HYBRID_SHARD') }) });
    const open = { ...hybrid.parallelism, shard: unknown<number>('no device mesh') };
    const { links: found } = estimateTime({ ...hybrid, parallelism: open }, { memory });
    expect(found.map(({ dimension, ranks }) => `${dimension} ${ranks}`)).toEqual(['shard 8', 'data 2']);
  });
});
