import { describe, expect, it } from 'vitest';
import { estimateMemory } from '../../../server/src/core/estimate/memory/index';
import type { MegatronSharding } from '../../../server/src/core/run/training-run';
import { join, told } from './joining';

const settings = (accelerate: string | undefined, gpus = 8) =>
  JSON.stringify({
    model: 'meta-llama/Llama-2-7b-hf',
    sequenceLength: 4096,
    ...(accelerate && { frameworks: { accelerate } }),
    target: 'box',
    targets: { box: { hardware: 'p4d.24xlarge', gpusPerNode: gpus } },
  });

const file = (keys: Readonly<Record<string, unknown>>, processes = 8) =>
  [
    'compute_environment: LOCAL_MACHINE',
    'distributed_type: MEGATRON_LM',
    'mixed_precision: bf16',
    'num_machines: 1',
    `num_processes: ${processes}`,
    'megatron_lm_config:',
    ...Object.entries(keys).map(([key, value]) => `  megatron_lm_${key}: ${value}`),
    '',
  ].join('\n');

const KEYS = { tp_degree: 2, pp_degree: 1, num_micro_batches: 4, use_distributed_optimizer: true };

function runOf(keys: Readonly<Record<string, unknown>>, accelerate: string | undefined, processes = 8) {
  const files = { 'accelerate.yaml': file(keys, processes), 'shardlens.json': settings(accelerate, processes) };
  return join(files).run;
}

const megatron = (run: ReturnType<typeof runOf>): MegatronSharding => {
  if (!run.sharding.known || run.sharding.value.kind !== 'megatron') throw new Error('not Megatron');
  return run.sharding.value;
};

describe("Accelerate's Megatron plugin", () => {
  it('splits by its degrees, accumulates over its micro-batches and holds its weights in the mixed type', () => {
    const { parallelism, batch, precision } = runOf({ ...KEYS, context_parallel_size: 1 }, '1.15.0');
    expect([parallelism.tensor, parallelism.pipeline, parallelism.data, parallelism.shard].map(told)).toEqual([
      2, 1, 4, 4,
    ]);
    expect(told(batch.accumulation)).toBe(4);
    expect([precision.compute, precision.weights, precision.mode].map(told)).toEqual(['bf16', 'bf16', 'pure']);
  });

  it('gives no memory, and says why, where the sizes do not go into one another', () => {
    const because = (tp: number, pp: number) => {
      const { memory, assumptions } = estimateMemory(
        runOf(
          { ...KEYS, tp_degree: tp, pp_degree: pp, context_parallel_size: 1 },
          '1.15.0',
          tp * pp === 32 ? 8 : tp * pp,
        ),
      );
      return memory ?? assumptions.at(-1)?.because;
    };
    expect(because(16, 2)).toMatch(/^tp 16 × pp 2 = 32 does not divide 8 processes/);
    expect(because(3, 1)).toMatch(/^tp 3 does not divide the 32 attention heads of /);
    expect(because(1, 3)).toMatch(/^pp 3 does not divide the 32 layers of /);
    expect(because(2, 2)).toHaveProperty('low');
  });

  it('spreads no states without the distributed optimizer', () => {
    const run = runOf({ ...KEYS, use_distributed_optimizer: false, context_parallel_size: 1 }, '1.15.0');
    expect(told(run.parallelism.shard)).toBe(1);
  });

  it('recomputes every block since 1.13, and before only what recompute_activations asks for', () => {
    const checkpointing = (keys: object, accelerate: string | undefined) =>
      told(runOf({ ...KEYS, context_parallel_size: 1, ...keys }, accelerate).checkpointing);
    expect(checkpointing({}, '1.15.0')).toBe('full');
    expect(checkpointing({ recompute_activations: true }, '1.15.0')).toBe('full');
    expect(checkpointing({ recompute_granularity: 'selective' }, '1.15.0')).toBe('selective');
    expect(checkpointing({ recompute_granularity: 'full', recompute_method: 'block' }, '1.15.0')).toMatch(/^unknown/);
    expect(checkpointing({}, '1.12.0')).toBe('none');
    expect(checkpointing({ recompute_activations: true }, '1.12.0')).toBe('selective');
    expect(checkpointing({ recompute_activations: true }, undefined)).toMatch(/^unknown: .*version/);
  });

  it('has two context-parallel ranks since 1.13 where the file gives none, and one where no such run could start', () => {
    const context = (accelerate: string | undefined, processes: number) =>
      told(runOf(KEYS, accelerate, processes).parallelism.context);
    expect([context('1.15.0', 8), context('1.12.0', 8), context(undefined, 8), context(undefined, 2)]).toEqual([
      2, 1, 2, 1,
    ]);
  });

  it('drops out, learns positions and keeps pairs of positions before 1.13, as Megatron does by itself', () => {
    const { dropout, rotary, fusedAttention } = megatron(runOf(KEYS, '1.12.0'));
    expect([dropout, rotary, fusedAttention].map(told)).toEqual([0.1, false, false]);
    const now = megatron(runOf({ ...KEYS, hidden_dropout: 0.2 }, '1.15.0'));
    expect([now.dropout, now.rotary, now.fusedAttention].map(told)).toEqual([0.2, true, true]);
  });

  it('gives memory with a band, which is wider where the release is not known', () => {
    const width = (accelerate: string | undefined): number => {
      const { memory } = estimateMemory(
        runOf({ ...KEYS, context_parallel_size: 1, recompute_activations: true }, accelerate),
      );
      if (!memory) throw new Error('no memory');
      expect(memory.low).toBeLessThanOrEqual(memory.value);
      expect(memory.value).toBeLessThanOrEqual(memory.high);
      return memory.high - memory.low;
    };
    expect(width(undefined)).toBeGreaterThan(width('1.15.0'));
  });
});
