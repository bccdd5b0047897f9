import { describe, expect, it } from 'vitest';
import { readFacts } from '../../../../server/src/core/estimate/memory/facts';
import { estimateMemory } from '../../../../server/src/core/estimate/memory/index';
import { momentsOf } from '../../../../server/src/core/estimate/memory/moments';
import { unknown } from '../../../../server/src/core/run/known';
import type { Preference, PreferenceGeneration, TrainingRun } from '../../../../server/src/core/run/training-run';
import { LLAMA_3_8B, llamaModel, type RunSpec, SINGLE, testRun, value, zero } from '../builders';

const MODEL = llamaModel(LLAMA_3_8B);
const GENERATION: PreferenceGeneration = {
  engine: value('transformers'),
  completions: value(8),
  completionTokens: value(512),
  vllmShare: value(0.3),
  sleeps: value(false),
  gathersWhole: value(true),
};

function preferring(method: 'dpo' | 'kto' | 'grpo' | 'reward', set: Partial<Preference> = {}): Preference {
  const sequencesPerSample = method === 'dpo' || method === 'reward' ? 2 : 1;
  return {
    method: value(method),
    sequencesPerSample,
    reference: value(false),
    fusedLogProbabilities: value(true),
    ...set,
  };
}

const runOf = (preference: Preference | undefined, spec: RunSpec = {}): TrainingRun => ({
  ...testRun({ model: MODEL, sharding: SINGLE, micro: 2, sequence: 1024, ...spec }),
  preference,
});

function memoryOf(run: TrainingRun) {
  const { memory } = estimateMemory(run);
  if (memory === null) throw new Error('no estimate');
  return memory;
}

function bytesOf(run: TrainingRun, id: string): number {
  const facts = readFacts(run, 'expected', () => undefined);
  if (facts === undefined) throw new Error('no facts');
  const parts = momentsOf(facts).moments.flatMap((moment) => moment.parts.filter((part) => part.id === id));
  return parts.reduce((most, { bytes }) => Math.max(most, bytes), 0);
}

const reference = (run: TrainingRun): number => bytesOf(run, 'parameters.reference');

describe('preference and reward trainers', () => {
  it('keep a reference model: whole on one GPU and below ZeRO-3, sharded at stage 3, none where adapters are trained', () => {
    const n = MODEL.parameters.total;
    const kept = preferring('dpo', { reference: value(true) });
    expect(reference(runOf(kept))).toBe(2 * n);
    expect(reference(runOf(kept, { sharding: zero(2), world: 8 }))).toBe(2 * n);
    expect(reference(runOf(kept, { sharding: zero(3), world: 8 }))).toBe((2 * n) / 8);
    expect(reference(runOf(kept, { sharding: zero(3, { offloadParam: 'cpu' }), world: 8 }))).toBe(0);
    expect(reference(runOf(preferring('dpo')))).toBe(0);
  });

  it('put both answers of a pair through the model at once', () => {
    const pair = memoryOf(runOf(preferring('dpo')));
    const two = memoryOf(runOf(preferring('kto'), { micro: 4 }));
    expect(pair.allocated).toBe(two.allocated);
  });

  it('score with one label instead of the vocabulary when a reward model is trained', () => {
    const reward = memoryOf(runOf(preferring('reward')));
    expect(reward.breakdown.logits).toBe(0);
    const head = 4096 * 128256;
    const without = memoryOf(runOf(undefined, { micro: 4 })).breakdown.parameters - reward.breakdown.parameters;
    expect(without).toBe(2 * head);
  });

  it('reach to both ends where the reference is not known', () => {
    const maybe = preferring('dpo', { reference: unknown('nobody says') });
    const { memory, assumptions } = estimateMemory(runOf(maybe));
    const whole = memoryOf(runOf(preferring('dpo', { reference: value(true) })));
    expect(memory?.high ?? 0).toBeGreaterThanOrEqual(whole.value);
    expect(assumptions.map(({ what }) => what)).toContain('reference model');
  });
});

describe('generation within training', () => {
  it('may be on these GPUs or elsewhere where neither is said, so that the band has both', () => {
    const on = (engine: PreferenceGeneration['engine']) =>
      memoryOf(runOf(preferring('grpo', { generation: { ...GENERATION, engine } })));
    const untold = on(unknown('the version is not known'));
    expect(untold.low).toBeCloseTo(on(value('server')).low);
    expect(untold.high).toBeCloseTo(on(value('colocate')).high);
  });

  const grpo = (set: Partial<PreferenceGeneration> = {}): Preference =>
    preferring('grpo', { generation: { ...GENERATION, ...set } });

  it('keeps keys and values of all answers: 4 B × layers × kv heads × head size × tokens', () => {
    const cache = bytesOf(runOf(grpo()), 'activations.cache');
    expect(cache).toBe(4 * 32 * 8 * 128 * 1024 * 8);
    expect(bytesOf(runOf(grpo({ completions: value(16) })), 'activations.cache')).toBe(2 * cache);
    expect(bytesOf(runOf(grpo({ engine: value('server') })), 'activations.cache')).toBe(0);
  });

  it('gathers the whole model under ZeRO-3, unless it is told not to', () => {
    const sharded: RunSpec = { sharding: zero(3), world: 8 };
    expect(bytesOf(runOf(grpo(), sharded), 'buffers.generation')).toBe(2 * MODEL.parameters.total * (7 / 8));
    expect(bytesOf(runOf(grpo({ gathersWhole: value(false) }), sharded), 'buffers.generation')).toBe(0);
  });

  it('shares the GPU with vLLM while training, or only while generating where vLLM sleeps', () => {
    const gpu = { memoryBytes: 80e9 } as const;
    const place = (run: TrainingRun): TrainingRun => ({
      ...run,
      cluster: value({ accelerator: gpu, host: {} }) as unknown as TrainingRun['cluster'],
    });
    const inStep = (set: Partial<PreferenceGeneration>): readonly string[] => {
      const facts = readFacts(place(runOf(grpo({ engine: value('colocate'), ...set }))), 'expected', () => undefined);
      if (facts === undefined) throw new Error('no facts');
      return momentsOf(facts)
        .moments.filter(({ phase, parts }) => phase === 'step' && parts.some(({ id }) => id === 'buffers.vllm'))
        .map(({ name }) => name);
    };
    expect(inStep({})).toContain('start of backward');
    expect(inStep({ sleeps: value(true) })).toEqual(['generation by vLLM']);
    const run = place(runOf(grpo({ engine: value('colocate') })));
    expect(bytesOf(run, 'buffers.vllm')).toBeCloseTo(0.3 * 80e9, 0);
  });
});

describe('the forward of a reference', () => {
  const names = (set: Partial<Preference>): string[] => {
    const run = runOf(preferring('dpo', { fusedLogProbabilities: value(false), ...set }));
    const facts = readFacts(run, 'expected', () => undefined);
    return facts === undefined ? [] : momentsOf(facts).moments.map(({ name }) => name);
  };

  it('is part of a step, unless its log-probabilities were computed before training', () => {
    expect(names({ precomputed: value(false) })).toContain('forward of the reference');
    const before = names({ precomputed: value(true) });
    expect(before.length).toBeGreaterThan(2);
    expect(before).not.toContain('forward of the reference');
  });

  it('is in the band down to none where the files leave it open', () => {
    const bands = (precomputed: Preference['precomputed']) =>
      memoryOf(runOf(preferring('dpo', { fusedLogProbabilities: value(false), ...(precomputed && { precomputed }) })));
    const open = bands(unknown('a template'));
    expect(open.value).toBe(bands(value(false)).value);
    expect(open.low).toBe(bands(value(true)).low);
    expect(bands(value(true)).value).toBeLessThan(open.value);
  });
});
