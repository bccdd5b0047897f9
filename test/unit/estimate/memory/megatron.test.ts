import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { estimateHost } from '../../../../server/src/core/estimate/host';
import { readFacts } from '../../../../server/src/core/estimate/memory/facts';
import { estimateMemory } from '../../../../server/src/core/estimate/memory/index';
import { sumBytes } from '../../../../server/src/core/estimate/memory/part';
import { persistentStates } from '../../../../server/src/core/estimate/memory/states';
import type { Model, ParameterGroup } from '../../../../server/src/core/models/model';
import type { MegatronSharding, TrainingRun } from '../../../../server/src/core/run/training-run';
import { LLAMA_3_8B, llamaModel, megatron, type RunSpec, testRun, value } from '../builders';

/** What test/oracle/record_megatron.py counted of Megatron-core on fake tensors. */
interface Point {
  readonly id: string;
  readonly shape: {
    readonly hidden: number;
    readonly ffn: number;
    readonly heads: number;
    readonly kv: number;
    readonly vocab: number;
    readonly gated: boolean;
    readonly tied: boolean;
  };
  readonly layers: number;
  readonly samples: number;
  readonly sequence: number;
  readonly micros: number;
  readonly tensor: number;
  readonly data: number;
  readonly sp: boolean;
  readonly recompute: 'full' | 'selective' | null;
  readonly distributed: boolean;
  readonly dtype: 'bf16' | 'fp16' | 'fp32';
  readonly flash: boolean;
  readonly dropout?: number;
  readonly result: { readonly parameters: number; readonly between: number; readonly peak: number };
}

const { points } = JSON.parse(readFileSync(new URL('../fixtures/megatron-oracle.json', import.meta.url), 'utf8')) as {
  readonly points: readonly Point[];
};

/** GPT as Megatron builds it: four matrices and two norms with biases, learned positions, one matrix for both ends. */
function gptModel({ shape, layers, sequence }: Point): Model {
  const { hidden: h, ffn, heads, vocab } = shape;
  const base = llamaModel({ hidden: h, intermediate: ffn, layers, heads, kvHeads: heads, vocab, tied: true });
  const inBlock = (name: string, sides: readonly number[]): ParameterGroup => ({
    name: `layers.*.${name}`,
    kind: sides.length === 1 ? 'norm' : 'mlp',
    module: sides.length === 1 ? 'norm' : 'linear',
    shape: sides,
    count: layers,
    block: 0,
  });
  const alone = (name: string, kind: 'embedding' | 'norm', sides: readonly number[]): ParameterGroup => ({
    name,
    kind,
    module: kind,
    shape: sides,
    count: 1,
  });
  const groups = [
    alone('word_embeddings.weight', 'embedding', [vocab, h]),
    alone('position_embeddings.weight', 'norm', [sequence, h]),
    inBlock('qkv.weight', [3 * h, h]),
    inBlock('proj.weight', [h, h]),
    inBlock('fc1.weight', [ffn, h]),
    inBlock('fc2.weight', [h, ffn]),
    inBlock('norms and biases', [4 * h + 3 * h + h + ffn + h]),
    alone('final_norm', 'norm', [2 * h]),
  ];
  const [block] = base.blocks;
  if (!block) throw new Error('no block');
  return { ...base, groups, blocks: [{ ...block, mlp: { intermediateSize: ffn, gated: false } }] };
}

interface Split {
  readonly tensor?: number;
  readonly pipeline?: number;
  readonly data?: number;
}

function runOf(
  spec: RunSpec,
  sharding: MegatronSharding,
  { tensor = 1, pipeline = 1, data = 1 }: Split = {},
): TrainingRun {
  const run = testRun({
    ...spec,
    sharding,
    world: tensor * pipeline * data,
    attention: spec.attention ?? 'flash_attention_2',
  });
  const shard = sharding.distributedOptimizer.known && sharding.distributedOptimizer.value ? data : 1;
  const ranks = { tensor: value(tensor), pipeline: value(pipeline), data: value(data), shard: value(shard) };
  return { ...run, parallelism: { ...run.parallelism, ...ranks } };
}

function runOfPoint(point: Point): TrainingRun {
  const { shape, layers, samples, sequence, micros, tensor, data, recompute, dtype } = point;
  const model = shape.gated
    ? llamaModel({ ...shape, intermediate: shape.ffn, kvHeads: shape.kv, layers })
    : gptModel(point);
  const sharding = megatron({
    distributedOptimizer: point.distributed,
    sequenceParallel: point.sp,
    dropout: point.dropout ?? 0,
    rotary: shape.gated,
    fusedAttention: point.flash,
  });
  const spec: RunSpec = {
    model,
    micro: samples,
    sequence,
    accumulation: micros,
    checkpointing: recompute ?? 'none',
    attention: point.flash ? 'flash_attention_2' : 'eager',
    compute: dtype === 'fp32' ? 'fp32' : 'bf16',
    weights: dtype === 'fp32' ? 'fp32' : 'bf16',
  };
  const run = runOf(spec, sharding, { tensor, data });
  return dtype === 'fp16' ? { ...run, precision: { ...run.precision, compute: value('fp16') } } : run;
}

const errorOf = (point: Point): number =>
  (estimateMemory(runOfPoint(point)).memory?.phases.step?.allocated ?? 0) / point.result.peak - 1;

function statesOf(run: TrainingRun) {
  const facts = readFacts(run, 'expected', () => undefined);
  if (facts === undefined) throw new Error('no facts');
  const states = persistentStates(facts);
  return { facts, states, bytes: sumBytes([...states.resident, ...states.standing]) };
}

/**
 * On fake tensors GELU's backward and the cast to 16 bits run as single operators, whose results the fused kernels of a GPU never
 * write: there the count is above what is predicted.
 */
const UNFUSED: ReadonlySet<string> = new Set(['gpt-narrow', 'gpt-narrow-full', 'gpt-fp16-replicated']);

/** Between steps the fp32 gradients of fp16 are still there, which the next forward does not see. */
function betweenOf({ dtype, distributed, data, result }: Point): number {
  return dtype === 'fp16' ? result.between - (4 * result.parameters) / (distributed ? data : 1) : result.between;
}

describe('Megatron-LM against Megatron-core run on fake tensors', () => {
  it.each(points.map((point) => [point.id, point] as const))('%s: states within 0.1 %%', (_, point) => {
    expect(Math.abs(statesOf(runOfPoint(point)).bytes / betweenOf(point) - 1)).toBeLessThan(0.001);
  });

  it.each(points.map((point) => [point.id, point] as const))('%s: the peak within 2.5 %%', (_, point) => {
    const error = errorOf(point);
    expect(error).toBeLessThan(0.025);
    expect(error).toBeGreaterThan(UNFUSED.has(point.id) ? -0.12 : -0.025);
  });

  it('has a median within 0.3 %', () => {
    const errors = points.map((point) => Math.abs(errorOf(point))).sort((a, b) => a - b);
    expect(errors[Math.floor(errors.length / 2)]).toBeLessThan(0.003);
  });
});

describe('Megatron-LM', () => {
  const MODEL = llamaModel(LLAMA_3_8B);

  it('holds 6 + 12 ÷ ranks bytes a parameter with the distributed optimizer, 18 without', () => {
    for (const data of [1, 2, 8]) {
      const spread = statesOf(runOf({ model: MODEL }, megatron(), { data }));
      expect(spread.bytes / spread.facts.counts.total).toBeCloseTo(6 + 12 / data, 6);
      const whole = statesOf(runOf({ model: MODEL }, megatron({ distributedOptimizer: false }), { data }));
      expect(whole.bytes / whole.facts.counts.total).toBeCloseTo(18, 6);
    }
  });

  it('loses no bytes where it offloads the optimizer', () => {
    const here = statesOf(runOf({ model: MODEL }, megatron(), { data: 4 }));
    const run = runOf({ model: MODEL }, megatron({ offloadOptimizer: true }), { data: 4 });
    const away = statesOf(run);
    const { master, optimizer } = away.states.offloaded;
    expect(away.bytes + master + optimizer).toBeCloseTo(here.bytes, 0);
    expect(estimateHost(run).host?.terms.map(({ id }) => id)).toContain('host.optimizer');
  });

  it('keeps less with each of: more tensor ranks, split sequences, recomputation', () => {
    const step = (run: TrainingRun): number => estimateMemory(run).memory?.phases.step?.allocated ?? 0;
    const spec: RunSpec = { model: MODEL, micro: 4, sequence: 4096 };
    const two = step(runOf(spec, megatron(), { tensor: 2, data: 2 }));
    const four = step(runOf(spec, megatron(), { tensor: 4, data: 2 }));
    const split = step(runOf(spec, megatron({ sequenceParallel: true }), { tensor: 4, data: 2 }));
    const recomputed = step(
      runOf({ ...spec, checkpointing: 'full' }, megatron({ sequenceParallel: true }), { tensor: 4, data: 2 }),
    );
    expect(four).toBeLessThan(two);
    expect(split).toBeLessThan(four);
    expect(recomputed).toBeLessThan(split);
  });

  it('says that stages are not interleaved, which no file can ask for', () => {
    const words = (pipeline: number) =>
      estimateMemory(runOf({ model: MODEL }, megatron(), { pipeline, data: 2 })).assumptions.map(({ what }) => what);
    expect(words(4)).toContain('pipeline schedule');
    expect(words(1)).not.toContain('pipeline schedule');
  });
});
