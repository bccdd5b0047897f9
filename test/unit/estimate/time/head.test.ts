import { describe, expect, test } from 'vitest';
import { estimateTime } from '../../../../server/src/core/estimate/time/index';
import type { Model } from '../../../../server/src/core/models/model';
import { type Known, unknown } from '../../../../server/src/core/run/known';
import type { Preference, TrainingRun } from '../../../../server/src/core/run/training-run';
import { cluster } from './clusters';
import { decoder, given, LLAMA_3_8B, replicated, run, zero } from './runs';

const one = cluster('p5.4xlarge', { nodes: 1, gpusPerNode: 1 });
const memory = () => ({ memory: null, assumptions: [] });

function stepOf(of: TrainingRun) {
  const { step, assumptions } = estimateTime(of, { memory });
  if (step === null) throw new Error(JSON.stringify(assumptions));
  return { ...step, assumptions };
}

const of = (model: Model, changes: Partial<TrainingRun> = {}) =>
  stepOf(run({ model, cluster: one, sharding: replicated('single'), micro: 8, length: 1024, changes }));
const secondsOf = (step: ReturnType<typeof stepOf>, id: string): number =>
  step.terms.filter((term) => term.id.startsWith(id)).reduce((sum, { seconds }) => sum + seconds, 0);

/** As describeModel makes it: the head's few rows in place of those of the vocabulary. */
function classifier(vocab: number): Model {
  const model = decoder({ ...LLAMA_3_8B, vocab, tied: true });
  const labels = 2 * model.hiddenSize;
  return {
    ...model,
    architecture: 'LlamaForSequenceClassification',
    parameters: { ...model.parameters, byKind: { ...model.parameters.byKind, head: labels } },
  };
}

function preference(method: Preference['method'], more: Partial<Preference> = {}): Preference {
  return {
    method,
    sequencesPerSample: 1,
    reference: given(false),
    fusedLogProbabilities: given(false),
    ...more,
  };
}

describe('what a model ends in', () => {
  test('a classifier takes as long with any vocabulary, a language model does not', () => {
    for (const id of ['compute.matrices', 'compute.elementwise'])
      expect(secondsOf(of(classifier(128256)), id)).toBeCloseTo(secondsOf(of(classifier(1000)), id), 3);
    const words = of(decoder({ ...LLAMA_3_8B, tied: true }));
    expect(words.seconds).toBeGreaterThan(1.04 * of(classifier(128256)).seconds);
  });

  test('a tied head beside a dense layer of its own counts the vocabulary', () => {
    const plain = decoder({ ...LLAMA_3_8B, tied: true });
    const { hiddenSize, parameters } = plain;
    const head = hiddenSize * hiddenSize;
    const masked = {
      ...plain,
      parameters: {
        ...parameters,
        total: parameters.total + head,
        active: parameters.active + head,
        byKind: { ...parameters.byKind, head },
      },
    };
    expect(secondsOf(of(masked), 'compute.matrices')).toBeGreaterThan(secondsOf(of(plain), 'compute.matrices'));
  });

  test('a reward model has one score where the language model has its words', () => {
    const model = decoder(LLAMA_3_8B);
    const reward = of(model, { preference: preference(given('reward')) });
    const trained = of(model);
    for (const id of ['compute.matrices', 'compute.elementwise', 'optimizer.gpu'])
      expect(secondsOf(reward, id)).toBeLessThan(secondsOf(trained, id));
  });

  test('an encoder goes by what its script makes of it, as memory does', () => {
    const model = decoder({ ...LLAMA_3_8B, tied: true });
    const encoder: Model = {
      ...model,
      architecture: 'BertForMaskedLM',
      blocks: model.blocks.map((block) => ({ ...block, tower: 'encoder' })),
    };
    const ends = (head: Known<'labels' | 'vocabulary'>) => of(encoder, { head }).seconds;
    expect(ends(given('labels'))).toBeLessThan(0.97 * ends(given('vocabulary')));
    expect(ends(unknown('no file tells'))).toBe(ends(given('labels')));
  });
});

describe('preferences', () => {
  const model = decoder(LLAMA_3_8B);

  test('a pair is two sequences, and the reference goes forward once more', () => {
    const trained = of(model);
    const computed = preference(given('dpo'), { sequencesPerSample: 2, precomputed: given(true) });
    const pairs = of(model, { preference: computed });
    expect(secondsOf(pairs, 'compute.attention')).toBeCloseTo(2 * secondsOf(trained, 'compute.attention'), 6);
    expect(pairs.terms.map(({ id }) => id)).not.toContain('compute.reference');
    const asked = of(model, { preference: { ...computed, precomputed: given(false) } });
    expect(secondsOf(asked, 'compute.reference')).toBeGreaterThan(0.25 * secondsOf(asked, 'compute.matrices'));
    expect(asked.seconds).toBeGreaterThan(pairs.seconds);
  });

  test('a sharded model is gathered for it as well', () => {
    const sharded = (more?: Preference) =>
      stepOf(
        run({
          model,
          cluster: cluster('p5.48xlarge', { nodes: 2, gpusPerNode: 8 }),
          sharding: zero(3),
          micro: 1,
          length: 1024,
          changes: more ? { preference: more } : {},
        }),
      );
    const gathered = (step: ReturnType<typeof stepOf>) =>
      step.terms
        .filter(({ id }) => id.startsWith('communication.gather-weights'))
        .reduce((sum, { traffic }) => sum + (traffic?.bytes ?? 0), 0);
    const dpo = sharded(preference(given('dpo'), { sequencesPerSample: 2, precomputed: given(false) }));
    expect(gathered(dpo)).toBeCloseTo(1.5 * gathered(sharded()), -3);
  });

  test('answers of GRPO take a reading of the weights a token, or its launches; those of a server are not counted', () => {
    const made = (engine: 'transformers' | 'colocate' | 'server') =>
      of(model, {
        preference: preference(given('grpo'), {
          generation: {
            engine: given(engine),
            completions: given(8),
            completionTokens: given(512),
            vllmShare: given(0.3),
            sleeps: given(false),
            gathersWhole: given(false),
          },
        }),
      });
    const [own, vllm, server] = [made('transformers'), made('colocate'), made('server')];
    // 16 GB of weights at 85 % of 3.35 TB/s, and 32 blocks × 60 kernels × 14 µs.
    expect(secondsOf(vllm, 'compute.generation')).toBeCloseTo((512 * 2 * model.parameters.total) / (3.35e12 * 0.85), 1);
    expect(secondsOf(own, 'compute.generation')).toBeCloseTo(512 * 32 * 60 * 14e-6, 1);
    expect(own.high / own.seconds).toBeGreaterThan(2);
    expect(own.assumptions.map(({ what }) => what)).toContain('generating answers');
    expect(secondsOf(server, 'compute.generation')).toBe(0);
    expect(server.assumptions.map(({ what }) => what)).toContain('generating answers and their rewards');
  });
});
