import { describe, expect, test } from 'vitest';
import { estimateTime } from '../../../../server/src/core/estimate/time/index';
import { unknown } from '../../../../server/src/core/run/known';
import type { MegatronSharding, TrainingRun } from '../../../../server/src/core/run/training-run';
import { cluster } from './clusters';
import { decoder, given, LLAMA_3_8B, type RunShape, run, zero } from './runs';

const model = decoder({ ...LLAMA_3_8B, gated: false });
const node = cluster('p4d.24xlarge', { gpusPerNode: 8 });

function megatron(changes: Partial<MegatronSharding> = {}, shape: Partial<RunShape> = {}): TrainingRun {
  const sharding: MegatronSharding = {
    kind: 'megatron',
    distributedOptimizer: given(false),
    offloadOptimizer: given(false),
    sequenceParallel: given(false),
    dropout: given(0),
    rotary: given(true),
    fusedAttention: given(true),
    ...changes,
  };
  const base = { model, cluster: node, sharding: zero(1), tensor: 4, accumulation: 4, micro: 2, ...shape };
  return run({ ...base, changes: { sharding: given(sharding), checkpointing: given('none'), ...shape.changes } });
}

function estimated(of: TrainingRun) {
  const { step, assumptions, links } = estimateTime(of, { memory: () => ({ memory: null, assumptions: [] }) });
  if (step === null) throw new Error(assumptions.map(({ because }) => because).join());
  const seconds = (id: string) =>
    step.terms.reduce((sum, term) => (term.id.replace(/\.hidden$/, '') === id ? sum + term.seconds : sum), 0);
  return { step, seconds, assumed: assumptions.map(({ what }) => what), links };
}

describe('Megatron-LM', () => {
  test('adds gradients up in the products for the weights, where DeepSpeed adds them by themselves', () => {
    const deepspeed = run({ model, cluster: node, sharding: zero(1), tensor: 4, accumulation: 4, micro: 2 });
    expect(estimated(deepspeed).seconds('compute.accumulate')).toBeGreaterThan(0);
    expect(estimated(megatron()).seconds('compute.accumulate')).toBe(0);
  });

  test('sends tensor-parallel traffic of the backward beside its products: two of four, one with split sequences', () => {
    const share = (sequenceParallel: boolean) => {
      const { seconds } = estimated(megatron({ sequenceParallel: given(sequenceParallel) }));
      const hidden = seconds('communication.tensor-backward');
      return hidden / (hidden + seconds('communication.tensor'));
    };
    expect(share(false)).toBeCloseTo(1 / 2, 6);
    expect(share(true)).toBeCloseTo(1 / 4, 6);
  });

  test('splits norms and residuals over the tensor ranks with sequence parallelism', () => {
    const [whole, split] = [false, true].map((it) =>
      estimated(megatron({ sequenceParallel: given(it) })).seconds('compute.elementwise'),
    );
    expect(split).toBeLessThan((whole ?? 0) * 0.8);
  });

  test('reduces and gathers once with the distributed optimizer, and steps a share', () => {
    const [whole, spread] = [false, true].map((it) => estimated(megatron({ distributedOptimizer: given(it) })));
    expect(whole?.seconds('communication.data')).toBeGreaterThan(0);
    expect(spread?.seconds('communication.data')).toBe(0);
    expect(spread?.seconds('communication.gather-weights')).toBeGreaterThan(0);
    expect(spread?.seconds('optimizer.gpu')).toBeCloseTo((whole?.seconds('optimizer.gpu') ?? 0) / 2, 6);
    expect(spread?.links.map(({ dimension }) => dimension)).toEqual(['tensor', 'data']);
  });

  test('writes scores without a fused kernel, more with dropout, and is open where the release is', () => {
    const attention = (changes: Partial<MegatronSharding>) => estimated(megatron(changes)).seconds('compute.attention');
    const written = attention({ fusedAttention: given(false) });
    expect(written).toBeGreaterThan(attention({}));
    expect(attention({ fusedAttention: given(false), dropout: given(0.1) })).toBeGreaterThan(written);
    const open = estimated(megatron({ fusedAttention: unknown('no version') }));
    expect(open.step.seconds).toBe(estimated(megatron()).step.seconds);
    expect(open.step.high).toBeGreaterThan(estimated(megatron()).step.high);
  });

  test('with its optimizer on the CPU is not predicted', () => {
    expect(() => estimated(megatron({ offloadOptimizer: given(true) }))).toThrow('optimizer on the CPU');
  });
});
