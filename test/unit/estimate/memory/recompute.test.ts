import { describe, expect, it } from 'vitest';
import { estimateHost } from '../../../../server/src/core/estimate/host';
import { estimateMemory } from '../../../../server/src/core/estimate/memory/index';
import type { TrainingRun } from '../../../../server/src/core/run/training-run';
import { LLAMA_3_8B, llamaModel, type RunSpec, SINGLE, testRun, value } from '../builders';

const SMALL = llamaModel({ hidden: 1024, intermediate: 2816, layers: 6, heads: 16, kvHeads: 4, vocab: 8192 });

function every(blocks: number): TrainingRun {
  const run = testRun({ model: SMALL, micro: 4, sequence: 1024, checkpointing: 'selective' });
  return { ...run, recomputedEvery: value(blocks) };
}

const allocated = (run: TrainingRun): number => estimateMemory(run).memory?.phases.step?.allocated ?? 0;

describe('recomputation of every n-th block', () => {
  // Counted with transformers 5.23: activation_checkpointing_enable(every_n_layers) under test/oracle/record_memory.py.
  it.each([
    [1, 993_464_832],
    [2, 1_510_252_032],
    [4, 1_682_514_432],
  ])('of %i is within 1 %% of what transformers keeps', (blocks, counted) => {
    expect(Math.abs(allocated(every(blocks)) / counted - 1)).toBeLessThan(0.01);
  });

  it('lies between none and all, and recomputing every block is full recomputation', () => {
    const spec: RunSpec = { model: SMALL, micro: 4, sequence: 1024 };
    const [none, full] = (['none', 'full'] as const).map((checkpointing) =>
      allocated(testRun({ ...spec, checkpointing })),
    );
    expect(allocated(every(1)) / (full ?? 1)).toBeCloseTo(1, 4);
    expect(allocated(every(2))).toBeGreaterThan(full ?? 0);
    expect(allocated(every(2))).toBeLessThan(none ?? 0);
  });
});

describe('activations that wait on the host', () => {
  const spec: RunSpec = { model: llamaModel(LLAMA_3_8B), sharding: SINGLE, micro: 16, sequence: 8192, world: 1 };
  const terms = (run: TrainingRun) =>
    estimateHost(run).host?.terms.find(({ id }) => id === 'host.activations')?.bytes ?? 0;
  const saved = (run: TrainingRun): number =>
    estimateMemory(run).memory?.phases.step?.terms.find(({ id }) => id === 'activations.saved')?.bytes ?? 0;

  it.each([
    ['none', 'everything'],
    ['full', 'checkpoints'],
    ['full', 'everything'],
  ] as const)('leave the GPU and are on the host: recomputation %s, %s', (checkpointing, savedOnHost) => {
    const here = testRun({ ...spec, checkpointing });
    const away: TrainingRun = { ...here, savedOnHost: value(savedOnHost) };
    expect(saved(away)).toBeLessThan(0.3 * saved(here));
    expect(terms(away) + saved(away)).toBeCloseTo(saved(here), -1);
    expect(terms(here)).toBe(0);
  });

  it('are inputs of recomputed blocks alone with the option of transformers', () => {
    const run: TrainingRun = { ...testRun(spec), savedOnHost: value('checkpoints') };
    expect(terms(run)).toBe(0);
  });
});
