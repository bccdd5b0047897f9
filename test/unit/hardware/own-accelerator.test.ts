import { describe, expect, it } from 'vitest';
import { analyze } from '../../../server/src/core/analyze';
import { buildCluster } from '../../../server/src/core/hardware/cluster';
import { descriptionProblems } from '../../../server/src/core/hardware/description';
import type { Cluster } from '../../../server/src/core/hardware/hardware';
import { loadHardwareCatalog } from '../../../server/src/data/hardware';
import { loadCatalogs } from '../../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../../memory-workspace';

const catalog = loadHardwareCatalog();
const GIB = 2 ** 30;

function built(accelerator: Record<string, unknown>, more: Record<string, unknown> = {}): Cluster {
  const result = buildCluster({ hardware: { node: { accelerator, count: 8, ...more } } }, { catalog });
  if ('problem' in result) throw new Error(result.problem);
  return result.cluster;
}

const CHIP = {
  name: 'X1',
  memoryGiB: 64,
  memoryGBps: 1600,
  peakTflops: { bf16: 200, fp32: 25 },
  link: { path: 'nvlink-switch', GBps: 200 },
};

describe('an accelerator of one’s own', () => {
  it('is taken as it is described, in bytes and FLOP/s, and says where it comes from', () => {
    const { accelerator, intra, assumptions, sources } = built(CHIP);
    expect(accelerator).toMatchObject({
      name: 'X1',
      vendor: 'not said',
      computeCapability: undefined,
      memoryBytes: 64 * GIB,
      memoryBytesPerSecond: 1600e9,
      peakFlops: { bf16: 200e12, fp32: 25e12, fp16: null, fp8: null },
      measuredBf16Flops: undefined,
    });
    expect(intra).toMatchObject({ kind: 'nvlink-switch', wireBytesPerSecond: 200e9, label: 'NVSwitch 200 GB/s' });
    expect(intra.bytesPerSecond).toBeLessThan(200e9);
    expect(sources).toEqual(['own record']);
    expect(assumptions[0]).toBe('X1 as its own record says (not the catalog): 64 GiB, 1600 GB/s, 200 TFLOPS bf16');
  });

  it('like one of the catalog takes the rest from there', () => {
    const { accelerator, intra, assumptions } = built({ name: 'RTX 4090 48GB', like: 'RTX 4090', memoryGiB: 47.4 });
    const base = catalog.accelerator('nvidia-rtx-4090');
    expect(accelerator).toMatchObject({
      ...base,
      name: 'RTX 4090 48GB',
      memoryBytes: 47.4 * GIB,
      notes: undefined,
      sources: expect.anything(),
    });
    expect(accelerator.sources[0]).toBe('own record');
    expect(intra.kind).toBe('shm');
    expect(assumptions[0]).toContain('the rest as RTX 4090');
  });

  it('without a word about links may or may not have peer-to-peer', () => {
    const { link: _, ...alone } = CHIP;
    expect(built(alone).intra).toMatchObject({ kind: 'shm', basis: 'assumed' });
    expect(built({ ...alone, supports: { gpudirect_p2p: false } }).intra).toMatchObject({
      kind: 'shm',
      basis: 'modelled',
    });
  });

  it.each([
    [
      { name: 'X1' },
      'The own accelerator lacks `memoryGiB`, `memoryGBps`, `peakTflops` with bf16, fp16 or fp32; `like` takes what is not said from a record of the catalog.',
      'node.accelerator',
    ],
    [{ ...CHIP, name: undefined }, 'The own accelerator has no `name`.', 'node.accelerator'],
    [{ ...CHIP, memory: 3 }, '`memory` is not a key of accelerator; it knows', 'node.accelerator.memory'],
    [
      { ...CHIP, peakTflops: { bf16: -1 } },
      '`bf16` is -1, where a number above zero is expected.',
      'node.accelerator.peakTflops.bf16',
    ],
    [
      { ...CHIP, computeCapability: '89' },
      '`computeCapability` is "89", where one like "8.9" is expected.',
      'node.accelerator.computeCapability',
    ],
  ])('that lacks something is a problem with a place', (accelerator, message, path) => {
    const [first] = descriptionProblems(JSON.parse(JSON.stringify({ node: { accelerator } })));
    expect(first?.message).toContain(message);
    expect(first?.path).toBe(path);
  });

  it('like one that is not there names the nearest', () => {
    const result = buildCluster({ hardware: { node: { accelerator: { name: 'X', like: 'RTX 4091' } } } }, { catalog });
    expect(result).toMatchObject({ problem: 'No accelerator is called "RTX 4091".' });
    expect('nearest' in result && result.nearest.length).toBeGreaterThan(0);
  });

  it('gives a run its memory, its step and its origin', () => {
    const workspace = memoryWorkspace({
      'ds.json':
        '{ "train_micro_batch_size_per_gpu": 1, "gradient_accumulation_steps": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 3 } }',
      'shardlens.json': JSON.stringify({
        model: 'meta-llama/Meta-Llama-3-8B',
        sequenceLength: 2048,
        targets: { box: { hardware: 'box' } },
        hardware: { box: { node: { accelerator: CHIP, count: 8 } } },
      }),
    });
    const file = workspace.source(`${ROOT}/ds.json`);
    if (!file) throw new Error('no file');
    const estimate = analyze(file, { workspace, catalogs: loadCatalogs() }).estimate();
    expect(estimate?.memory?.capacity).toBe(64 * GIB);
    expect(estimate?.step?.seconds).toBeGreaterThan(0);
    expect(JSON.stringify(estimate?.assumptions)).toContain('own record');
  });
});
