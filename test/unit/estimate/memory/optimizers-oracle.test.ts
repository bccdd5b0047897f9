import { describe, expect, it } from 'vitest';
import { type Facts, readFacts } from '../../../../server/src/core/estimate/memory/facts';
import { estimateMemory } from '../../../../server/src/core/estimate/memory/index';
import { optimizerRecord } from '../../../../server/src/core/estimate/memory/optimizers';
import { sumBytes } from '../../../../server/src/core/estimate/memory/part';
import { persistentStates } from '../../../../server/src/core/estimate/memory/states';
import type { TrainingRun } from '../../../../server/src/core/run/training-run';
import { testRun } from '../builders';
import { oracleModel, readOptimizers } from '../oracle';

const fixture = readOptimizers();
/** Rank and momentum are written in `optim_args`, which no run is told of. */
const asDefault = fixture.points.filter(({ optim_args }) => optim_args === undefined);

function runOf({ model, dtype, optimizer }: (typeof fixture.points)[number]): TrainingRun {
  const sizes = { micro: 1, sequence: 128, weights: dtype, compute: dtype, optimizer } as const;
  return testRun({ model: oracleModel(fixture, model), ...sizes });
}

function factsOf(run: TrainingRun): Facts {
  const facts = readFacts(run, 'expected', () => undefined);
  if (facts === undefined) throw new Error('no facts');
  return facts;
}

describe("optimizers against the Trainer's own, made by name", () => {
  it('has every kind of the table', () => {
    const found = new Set(fixture.points.map(({ optimizer }) => optimizer));
    for (const name of [
      'adamw_torch',
      'adamw_bnb_8bit',
      'adafactor',
      'lion_32bit',
      'sgd',
      'galore_adamw',
      'apollo_adamw',
    ])
      expect(found).toContain(name);
    for (const name of found) expect(optimizerRecord(name), name).toBeDefined();
  });

  it('leaves out only what the Trainer itself refuses', () => {
    for (const [id, why] of Object.entries(fixture.left ?? {}))
      expect(`${id}: ${why}`).toMatch(/galore_adafactor_layerwise: ValueError: Cannot combine manual `lr`/);
  });

  it('counts states to 0.5 %', () => {
    for (const point of asDefault) {
      const { resident, weights } = persistentStates(factsOf(runOf(point)));
      const moments = sumBytes(resident) - sumBytes(weights);
      // Steps are counted in a number for each tensor.
      expect(Math.abs(moments - point.result.steady.kept), point.id).toBeLessThan(
        0.005 * point.result.steady.kept + 1e4,
      );
    }
  });

  it('predicts peaks within 6 %, where the step is run as it is on a GPU', () => {
    for (const point of asDefault) {
      // torchao compiles its step, and paged state is no memory of torch's allocator.
      if (point.optimizer.startsWith('adamw_torch_') && point.optimizer.endsWith('bit')) continue;
      if (optimizerRecord(point.optimizer)?.paged) continue;
      const { memory } = estimateMemory(runOf(point));
      const peak = Math.max(point.result.first.peak, point.result.steady.peak);
      expect(Math.abs((memory?.phases.step?.allocated ?? 0) / peak - 1), point.id).toBeLessThan(0.06);
    }
  });
});
