import { describe, expect, it } from 'vitest';
import { type Facts, readFacts } from '../../../../server/src/core/estimate/memory/facts';
import { estimateMemory } from '../../../../server/src/core/estimate/memory/index';
import { optimizerRecord } from '../../../../server/src/core/estimate/memory/optimizers';
import { sumBytes } from '../../../../server/src/core/estimate/memory/part';
import { persistentStates } from '../../../../server/src/core/estimate/memory/states';
import { unknown } from '../../../../server/src/core/run/known';
import type { TrainingRun } from '../../../../server/src/core/run/training-run';
import { testRun, value } from '../builders';
import { oracleModel, readOptimizers } from '../oracle';

const fixture = readOptimizers();

function runOf({ model, dtype, optimizer, optim_args, targets, params }: (typeof fixture.points)[number]): TrainingRun {
  const name = optimizer.toLowerCase();
  const run = testRun({
    model: oracleModel(fixture, model),
    ...{ micro: 1, sequence: 128, weights: dtype, compute: dtype, optimizer: name },
    // DeepSpeed's own Adam is fused.
    ...(optimizer === 'Adam' && { implementation: 'foreach' as const }),
  });
  const pairs = params
    ? // The recorder asks torch for it; DeepSpeed does where torch_adam is true.
      [...Object.entries({ ...params, torch_adam: true })].map(([key, it]) => [key, String(it)])
    : optim_args?.split(',').map((pair) => pair.split('='));
  return {
    ...run,
    frameworks: { transformers: value('5.23.0') },
    optimizer: {
      ...run.optimizer,
      owner: params ? 'deepspeed' : 'trainer',
      options: pairs && value(Object.fromEntries(pairs)),
      targets: targets === undefined ? undefined : value(targets),
    },
  };
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
    for (const name of found) expect(optimizerRecord(name.toLowerCase()), name).toBeDefined();
  });

  it('leaves out only what the Trainer itself refuses', () => {
    for (const [id, why] of Object.entries(fixture.left ?? {}))
      expect(`${id}: ${why}`).toMatch(/galore_adafactor_layerwise: ValueError: Cannot combine manual `lr`/);
  });

  it('counts states to 0.5 %', () => {
    for (const point of fixture.points) {
      const { resident, weights } = persistentStates(factsOf(runOf(point)));
      const moments = sumBytes(resident) - sumBytes(weights);
      // Steps are counted in a number for each tensor.
      expect(Math.abs(moments - point.result.steady.kept), point.id).toBeLessThan(
        0.005 * point.result.steady.kept + 1e4,
      );
    }
  });

  it('counts what options add, and nothing that a release drops', () => {
    const momentum = value({ momentum: '0.9' });
    const bytes = (run: TrainingRun, corner: 'low' | 'expected' | 'high'): number => {
      const facts = readFacts(run, corner, () => undefined);
      return facts
        ? sumBytes(persistentStates(facts).resident) - sumBytes(persistentStates(facts).weights)
        : Number.NaN;
    };
    const plain = testRun({ model: oracleModel(fixture, 'llama3-4'), optimizer: 'sgd' });
    const run = { ...plain, optimizer: { ...plain.optimizer, options: momentum } };
    const one = bytes(run, 'expected');
    expect(one).toBeGreaterThan(3.8e9);
    expect(bytes(run, 'low')).toBe(0);
    expect(bytes({ ...run, frameworks: { transformers: value('4.57.6') } }, 'expected')).toBe(0);
    expect(bytes({ ...run, frameworks: { transformers: value('5.2.0') } }, 'high')).toBe(0);
    expect(bytes({ ...run, frameworks: { transformers: value('5.3.0') } }, 'low')).toBe(one);
    // A template may fill in momentum.
    const later = {
      ...plain,
      optimizer: { ...plain.optimizer, options: unknown<Record<string, string>>('a template') },
    };
    expect([bytes(later, 'expected'), bytes(later, 'high')]).toEqual([0, one]);
    const off = { ...plain, optimizer: { ...plain.optimizer, options: value({ momentum: '0.0', nesterov: 'False' }) } };
    expect(bytes(off, 'high')).toBe(0);
  });

  it('keeps what AnyPrecision is told to', () => {
    const options = { momentum_dtype: 'bfloat16', variance_dtype: 'bfloat16', use_kahan_summation: 'True' };
    const run = testRun({ optimizer: 'adamw_anyprecision' });
    const each = (given: TrainingRun): number => factsOf(given).optimizer.half;
    expect(each(run)).toBe(8);
    expect(each({ ...run, optimizer: { ...run.optimizer, options: value(options) } })).toBe(6);
  });

  it('predicts peaks within 6 %, where the step is run as it is on a GPU', () => {
    for (const point of fixture.points) {
      // torchao compiles its step, and paged state is no memory of torch's allocator.
      if (point.optimizer.startsWith('adamw_torch_') && point.optimizer.endsWith('bit')) continue;
      if (optimizerRecord(point.optimizer)?.paged) continue;
      const { memory } = estimateMemory(runOf(point));
      const peak = Math.max(point.result.first.peak, point.result.steady.peak);
      expect(Math.abs((memory?.phases.step?.allocated ?? 0) / peak - 1), point.id).toBeLessThan(0.06);
    }
  });
});
