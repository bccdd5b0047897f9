import { describe, expect, test } from 'vitest';
import { attentionKernel } from '../../../../server/src/core/estimate/time/attention';
import { timeFacts } from '../../../../server/src/core/estimate/time/facts';
import { passesOf } from '../../../../server/src/core/estimate/time/flops';
import { estimateTime } from '../../../../server/src/core/estimate/time/index';
import { stageLoad } from '../../../../server/src/core/estimate/time/pipeline';
import { productShares, tiled } from '../../../../server/src/core/estimate/time/products';
import type { TrainingRun } from '../../../../server/src/core/run/training-run';
import { cluster } from './clusters';
import { decoder, fsdp, given, LLAMA_3_8B, offloadedSharding, replicated, run, zero } from './runs';

const model = decoder(LLAMA_3_8B);
const one = cluster('p4d.24xlarge', { gpusPerNode: 1 });
const node = cluster('p4d.24xlarge', { gpusPerNode: 8 });
const none = given('none' as const);

function facts(of: TrainingRun) {
  const resolved = timeFacts(of);
  if (!resolved.ok) throw new Error(JSON.stringify(resolved.missing));
  return resolved.facts;
}

function terms(of: TrainingRun): ReadonlyMap<string, number> {
  const { step } = estimateTime(of, { memory: () => ({ memory: null, assumptions: [] }) });
  if (step === null) throw new Error('no step');
  return new Map(step.terms.map(({ id, seconds }) => [id, seconds]));
}

test('bf16 on a chip without bf16 units is no faster than fp32, and that is said', () => {
  const v100 = cluster('p3dn.24xlarge', { gpusPerNode: 1 });
  const of = (compute: 'bf16' | 'fp16') => {
    const it = run({ model, cluster: v100, sharding: replicated('single') });
    return { ...it, precision: { ...it.precision, compute: given(compute) } };
  };
  const seconds = (compute: 'bf16' | 'fp16') => terms(of(compute)).get('compute.matrices') ?? 0;
  expect(seconds('bf16')).toBeGreaterThan(4 * seconds('fp16'));
  const { assumptions } = estimateTime(of('bf16'), { memory: () => ({ memory: null, assumptions: [] }) });
  expect(assumptions).toContainEqual(expect.objectContaining({ what: 'peak rate', value: 'that of fp32' }));
});

const single = (changes: Partial<TrainingRun> = {}, shape = {}): TrainingRun =>
  run({ model, cluster: one, sharding: replicated('single'), length: 2048, micro: 4, ...shape, changes });

describe('products', () => {
  test('reach their rate where tiles fill whole waves, and lose the empty part of the last one', () => {
    // 16 × 54 tiles of 256 × 128 are eight waves of 108.
    expect(tiled(4096, 6912, 108)).toBe(1);
    // 16 × 32 tiles are four waves and 80 of 108 of a fifth.
    expect(tiled(4096, 4096, 108)).toBeCloseTo(512 / 540, 9);
    expect(tiled(75, 4096, 108)).toBeLessThan(0.4);
    expect(tiled(4096, 6913, 108)).toBeLessThan(0.96);
  });

  test('are not judged on chips whose units are not known', () => {
    const { accelerator } = one;
    const unknown = { ...one, accelerator: { ...accelerator, architecture: 'none such' } };
    expect(productShares(facts(single({ cluster: given(unknown) })))).toEqual({ forward: 1, backward: 1, head: 1 });
  });
});

describe('attention', () => {
  test('runs with the kernel that PyTorch had, or the model asks for', () => {
    const kernel = (changes: Partial<TrainingRun>) => attentionKernel(facts(single(changes)));
    expect(kernel({})).toBe('flash-2');
    expect(kernel({ frameworks: { torch: given('2.1.0') } })).toBe('flash-1');
    expect(kernel({ frameworks: { torch: given('2.2.0') } })).toBe('flash-2');
    expect(kernel({ attention: given('eager') })).toBe('eager');
    expect(kernel({ attention: given('flash_attention_3') })).toBe('flash-3');
    expect(kernel({ model: given({ ...model, attentionKernel: 'flash-1' }) })).toBe('flash-1');
  });

  test('in separate operators is several times slower where heads are no multiple of 8 wide', () => {
    const blocks = (headDim: number) =>
      model.blocks.map((block) => ({
        ...block,
        ...(block.attention && { attention: { ...block.attention, headDim, valueHeadDim: headDim } }),
      }));
    const seconds = (headDim: number, attention: 'eager' | 'sdpa') =>
      terms(single({ model: given({ ...model, blocks: blocks(headDim) }), attention: given(attention) })).get(
        'compute.attention',
      ) ?? 0;
    expect(seconds(108, 'eager')).toBeGreaterThan(2 * seconds(112, 'eager'));
    expect(seconds(108, 'sdpa')).toBeLessThan(seconds(112, 'sdpa'));
  });
});

describe('recomputation', () => {
  test('leaves out the last product of a block where it stops early', () => {
    const early = passesOf(facts(single({ recomputeStopsEarly: given(true) })));
    const whole = passesOf(facts(single({ recomputeStopsEarly: given(false) })));
    expect(whole.recompute).toBe(1);
    const { hiddenSize } = model;
    const block = model.blocks[0]?.parameters ?? 1;
    expect(early.recompute).toBeCloseTo(1 - (14336 * hiddenSize) / block, 2);
    expect(passesOf(facts(single({ recomputeStopsEarly: given(true), checkpointing: none }))).recompute).toBe(0);
  });
});

describe('pipeline stages', () => {
  const load = (layers: number, pipeline: number, head: number) => {
    const shape = { pipeline, accumulation: 8, tensor: 1 };
    const many = run({ model: { ...model, layers }, cluster: node, sharding: zero(1), ...shape });
    return stageLoad(facts(many), head).slowest;
  };

  test('wait for the one with the head, or with the blocks left over', () => {
    expect(load(16, 4, 0)).toBe(1);
    expect(load(16, 4, 1)).toBeCloseTo(5 / (17 / 4), 9);
    // 78 blocks over 8 stages: ten in the first ones.
    expect(load(78, 8, 0)).toBeCloseTo(10 / (78 / 8), 9);
    // 30 blocks, embedding and head make 32 places.
    expect(load(30, 8, 1)).toBeCloseTo(4 / (31 / 8), 9);
  });
});

describe('gradients', () => {
  test('are added up from the second micro-step on', () => {
    const added = (accumulation: number) => terms(single({}, { accumulation })).get('compute.accumulate') ?? 0;
    expect(added(1)).toBe(0);
    // Three of bf16: two read, one written.
    const bytes = 3 * 2 * model.parameters.total;
    expect(added(3)).toBeCloseTo((2 * bytes) / (one.accelerator.memoryBytesPerSecond * 0.85), 6);
  });

  test('are reduced every micro-step where the config asks for it', () => {
    const sum = (each: boolean) => {
      const of = run({
        model,
        cluster: node,
        sharding: fsdp(),
        accumulation: 4,
        changes: { syncsEachMicro: given(each) },
      });
      const { step } = estimateTime(of, { memory: () => ({ memory: null, assumptions: [] }) });
      return (step?.terms ?? []).reduce(
        (all, { id, traffic }) => (id.startsWith('communication.reduce') ? all + (traffic?.bytes ?? 0) : all),
        0,
      );
    };
    expect(sum(true) / sum(false)).toBeCloseTo(4, 9);
  });
});

describe('the optimizer', () => {
  test('moves its tensors once when fused, and kernel by kernel when not', () => {
    const seconds = (implementation: 'fused' | 'foreach') =>
      terms(
        single({
          optimizer: { name: given('adamw_torch'), implementation: given(implementation), owner: 'trainer' },
          gradientClipping: given(0),
        }),
      ).get('optimizer.gpu') ?? 0;
    expect(seconds('foreach') / seconds('fused')).toBeCloseTo(20 / 7, 6);
  });

  test('on the CPU hides behind the GPUs with SuperOffload and ZenFlow only', () => {
    const shown = (cpuStepBeside: 'nothing' | 'backward' | 'steps') => {
      const sharding = { ...offloadedSharding(), cpuStepBeside: given(cpuStepBeside) };
      // Clipping needs the norm of all gradients first, and then nothing can begin earlier.
      const changes = { gradientClipping: given(0) };
      return (
        terms(run({ model, cluster: node, sharding, length: 8192, micro: 4, accumulation: 8, changes })).get(
          'optimizer.cpu',
        ) ?? 0
      );
    };
    expect(shown('backward')).toBeLessThan(shown('nothing'));
    expect(shown('steps')).toBeLessThanOrEqual(shown('backward'));
  });
});

describe('experts', () => {
  test('are launched one by one by transformers before 5.0', () => {
    const moe = { experts: 64, expertsPerToken: 8, expertIntermediateSize: 768, sharedIntermediateSize: 0 };
    const blocks = model.blocks.map((block) => ({ ...block, mlp: { intermediateSize: 768, gated: true, moe } }));
    const launches = (transformers: string) => {
      const all = terms(
        single({ model: given({ ...model, blocks }), frameworks: { transformers: given(transformers) } }),
      );
      return (all.get('compute.launches') ?? 0) + (all.get('compute.launches.hidden') ?? 0);
    };
    const more = 32 * 64 * (2 * 14 * 14e-6 + 16 * 7e-6);
    expect(launches('4.57.6') - launches('5.18.0')).toBeCloseTo(more, 6);
  });
});

describe('what grows with the run', () => {
  test('many nodes wait for the slowest GPU, one node does not', () => {
    const waits = (nodes: number) => {
      const of = run({
        model,
        cluster: cluster('p4d.24xlarge', { nodes, gpusPerNode: 8 }),
        sharding: fsdp(),
        micro: 4,
      });
      return terms(of).get('compute.stragglers') ?? 0;
    };
    expect(waits(1)).toBe(0);
    expect(waits(8) / waits(2)).toBeCloseTo(3, 9);
  });

  test('communication beside computation still takes from it, and no more than itself', () => {
    const shares = (micro: number) => {
      const all = terms(run({ model, cluster: node, sharding: fsdp(), micro, length: 4096 }));
      const shown = all.get('communication.gather-weights') ?? 0;
      return shown / (shown + (all.get('communication.gather-weights.hidden') ?? 0));
    };
    expect(shares(8)).toBeGreaterThan(0.3);
    expect(shares(8)).toBeLessThan(1);
  });

  test('Ulysses exchanges tokens for heads, a ring passes keys and values on', () => {
    const sends = (sharding: ReturnType<typeof fsdp> | ReturnType<typeof zero>) => {
      const of = run({ model, cluster: node, sharding, context: 4, length: 32768 });
      const { step } = estimateTime(of, { memory: () => ({ memory: null, assumptions: [] }) });
      return step?.terms.find(({ id }) => id === 'communication.context')?.label;
    };
    expect(sends(zero(3))).toContain('Ulysses');
    expect(sends(fsdp())).toContain('keys and values around');
  });
});

describe('the band', () => {
  const width = (of: TrainingRun) => {
    const { step } = estimateTime(of, { memory: () => ({ memory: null, assumptions: [] }) });
    return (step?.high ?? Number.NaN) / (step?.low ?? Number.NaN);
  };

  test('is wider on chips that no published step is of, and never silly', () => {
    const own = single();
    const { accelerator } = one;
    const other = single({ cluster: given({ ...one, accelerator: { ...accelerator, id: 'x', vendor: 'AMD' } }) });
    expect(width(other)).toBeGreaterThan(1.3 * width(own));
    expect(width(own)).toBeGreaterThan(1.3);
    expect(width(other)).toBeLessThan(5);
  });
});
