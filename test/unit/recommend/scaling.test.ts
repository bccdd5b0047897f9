import { describe, expect, it } from 'vitest';
import type { Overrides } from '../../../server/src/core/analysis';
import { analyze } from '../../../server/src/core/analyze';
import { findScaling, type Scaling, WORTH_ADDING } from '../../../server/src/core/recommend/scaling';
import { memoryWorkspace, ROOT } from '../../memory-workspace';
import { catalogs, FILES } from '../features/run-of';

function scalingOf(files: Readonly<Record<string, string>>, overrides?: Overrides): Scaling | undefined {
  const workspace = memoryWorkspace(files);
  const file = workspace.source(`${ROOT}/train.yaml`);
  if (!file) throw new Error('no file');
  const steps = findScaling(file, { workspace, catalogs, ...(overrides ? { overrides } : {}) });
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

describe('scaling', () => {
  const scaling = scalingOf(FILES);
  if (!scaling) throw new Error('nothing found');

  it('measures 1 to 64 nodes, with the batch of each GPU kept', () => {
    const { points } = scaling.growing;
    expect(points.map(({ nodes }) => nodes)).toEqual([1, 2, 4, 8, 16, 32, 64]);
    expect(points.map(({ gpus }) => gpus)).toEqual([4, 8, 16, 32, 64, 128, 256]);
    for (const { micro, accumulation, global, gpus } of points) {
      expect([micro, accumulation]).toEqual([2, 4]);
      expect(global).toBe(8 * gpus);
    }
  });

  it('keeps the global batch while ranks have samples, micro-steps going first', () => {
    const { points, why } = scaling.fixed;
    expect(points.map(({ nodes, micro, accumulation }) => [nodes, micro, accumulation])).toEqual([
      [1, 2, 4],
      [2, 2, 2],
      [4, 2, 1],
      [8, 1, 1],
    ]);
    expect(points.every(({ global }) => global === 32)).toBe(true);
    expect(why).toBe('beyond that there are more ranks than the 32 samples of the global batch');
  });

  it('does not fit where the host holds too little', () => {
    const ds =
      '{ "train_micro_batch_size_per_gpu": "auto", "gradient_accumulation_steps": "auto", "bf16": { "enabled": "auto" }, "zero_optimization": { "stage": 3, "offload_optimizer": { "device": "cpu" } } }';
    const box =
      '{ "target": "t", "targets": { "t": { "hardware": "box" } }, "hardware": { "box": { "instance": "p4d.24xlarge", "hostMemoryGiB": 100 } }, "sequenceLength": 1024 }';
    const { points } = scalingOf({ ...FILES, 'ds.json': ds, 'shardlens.json': box })?.growing ?? { points: [] };
    expect(points[0]).toMatchObject({ nodes: 1, fits: false, hostIsFull: true });
    expect(points.at(-1)).toMatchObject({ nodes: 64, hostIsFull: false });
  });

  it('says of the run itself what the estimate says', () => {
    const workspace = memoryWorkspace(FILES);
    const file = workspace.source(`${ROOT}/train.yaml`);
    const estimate = file && analyze(file, { workspace, catalogs }).estimate();
    for (const { points } of [scaling.growing, scaling.fixed]) {
      const own = points.find(({ nodes }) => nodes === scaling.nodes);
      expect(own?.stepSeconds).toBe(estimate?.step?.seconds);
      expect(own?.memoryBytes).toBe(estimate?.memory?.value);
    }
  });

  it('stops paying where nodes added yield less than half of what they cost', () => {
    const { points } = scaling.fixed;
    const stop = points.find(({ nodes }) => nodes === scaling.paysUntil);
    if (!stop) throw new Error('nothing pays');
    const gain = (from: typeof stop, to: typeof stop) =>
      (to.tokensPerSecond / from.tokensPerSecond - 1) / (to.nodes / from.nodes - 1);
    for (const later of points.filter(({ nodes }) => nodes > stop.nodes)) {
      expect(gain(stop, later)).toBeLessThan(WORTH_ADDING);
    }
    const before = points[points.indexOf(stop) - 1];
    if (before) expect(gain(before, stop)).toBeGreaterThanOrEqual(WORTH_ADDING);
  });

  it('measures efficiency against the fewest nodes', () => {
    const first = scaling.fixed.points[0];
    expect(first?.efficiency).toBe(1);
    for (const { efficiency } of scaling.fixed.points) expect(efficiency).toBeLessThanOrEqual(1.0001);
  });

  it('says why an efficiency is above the whole', () => {
    const { notes, growing } = scaling;
    const best = growing.points.reduce((a, b) => (b.efficiency > a.efficiency ? b : a));
    expect(best.efficiency).toBeGreaterThan(1.005);
    const first = growing.points[0];
    if (!first) throw new Error('no point');
    const words = notes.find((note) => note.startsWith('Above 100 %'));
    expect(words).toContain(`on ${best.nodes} instead of 1 node`);
    const [, from = '', to = ''] = /optimizer ([\d.]+) s → ([\d.]+) s/.exec(words ?? '') ?? [];
    // The shard of a GPU is as much smaller as there are nodes, and so is what the CPU steps.
    expect(Number(from) / Number(to)).toBeCloseTo(best.gpus / first.gpus, 0);
  });

  it('says nothing of it where every efficiency is below', () => {
    const roomy = scalingOf({
      ...FILES,
      'ds.json': FILES['ds.json'].replace(/"offload_\w+": \{[^}]*\},?/g, '').replace(/,(\s*})/g, '$1'),
    });
    if (!roomy) throw new Error('nothing found');
    const all = [...roomy.growing.points, ...roomy.fixed.points];
    expect(Math.max(...all.map(({ efficiency }) => efficiency))).toBeLessThan(1.005);
    expect(roomy.notes.join()).not.toContain('Above');
  });

  it('has the run’s own number of nodes, whatever it is', () => {
    const own = scalingOf(FILES, { from: 'flag', nodes: 3 });
    expect(own?.growing.points.map(({ nodes }) => nodes)).toContain(3);
    expect(own?.fixed.why).toContain('do not divide');
  });

  it('is none where the machine is not known', () => {
    expect(scalingOf({ 'ds.json': FILES['ds.json'], 'train.yaml': FILES['train.yaml'] })).toBeUndefined();
  });
});
