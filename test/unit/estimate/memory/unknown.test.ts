import { describe, expect, it } from 'vitest';
import { estimateCheckpoint } from '../../../../server/src/core/estimate/checkpoint';
import { estimateHost } from '../../../../server/src/core/estimate/host';
import { estimateMemory } from '../../../../server/src/core/estimate/memory/index';
import type { Cluster } from '../../../../server/src/core/hardware/hardware';
import { type Known, known, unknown } from '../../../../server/src/core/run/known';
import type { Dtype, TrainingRun } from '../../../../server/src/core/run/training-run';
import { fsdp, SINGLE, testRun, value, zero } from '../builders';

const GIB = 2 ** 30;

function withMemory(run: TrainingRun, bytes: number): TrainingRun {
  const cluster = { accelerator: { memoryBytes: bytes }, host: { memoryBytes: 1000 * GIB } } as unknown as Cluster;
  return { ...run, cluster: value(cluster) };
}

describe('what is not known', () => {
  it('gives no estimate without a model, and says why', () => {
    const run: TrainingRun = { ...testRun(), model: unknown('no file names the model') };
    const { memory, assumptions } = estimateMemory(run);
    expect(memory).toBeNull();
    expect(assumptions[0]).toMatchObject({ what: 'model', value: 'not known' });
    expect(assumptions[0]?.because).toContain('no file names the model');
    expect(estimateHost(run).host).toBeNull();
    expect(estimateCheckpoint(run).checkpoint).toBeNull();
  });

  it('needs the world size where states are sharded, and not elsewhere', () => {
    const forget = (run: TrainingRun): TrainingRun => ({
      ...run,
      worldSize: unknown('no launcher found'),
      parallelism: { ...run.parallelism, data: unknown('no launcher found'), shard: unknown('no launcher found') },
    });
    const sharded = estimateMemory(forget(testRun({ sharding: zero(3), world: 8 })));
    expect(sharded.memory).toBeNull();
    expect(sharded.assumptions[0]).toMatchObject({ what: 'world size' });
    expect(estimateMemory(forget(testRun({ sharding: SINGLE }))).memory).not.toBeNull();
  });

  it('gives no estimate for a ZeRO stage that is not known', () => {
    const run = testRun({ world: 4, sharding: { ...zero(3), stage: unknown('stage is "auto"') } });
    const { memory, assumptions } = estimateMemory(run);
    expect(memory).toBeNull();
    expect(assumptions[0]).toMatchObject({ what: 'ZeRO stage' });
  });

  it('reaches down to checkpointing and up to fp32 weights where nothing says', () => {
    const run = testRun({ micro: 8, sequence: 2048 });
    const certain = estimateMemory(run).memory;
    const checkpointing = estimateMemory({ ...run, checkpointing: unknown('the script decides') });
    expect(checkpointing.memory?.value).toBe(certain?.value);
    expect(checkpointing.memory?.low).toBeLessThan((certain?.low ?? 0) * 0.9);
    const weights = estimateMemory({ ...run, precision: { ...run.precision, weights: unknown('no dtype') } });
    expect(weights.memory?.high).toBeGreaterThan((certain?.high ?? 0) * 1.4);
  });

  it('reaches up to fp32 weights where the release that loads them is not known, in autocast and without', () => {
    const run = testRun({ micro: 1, sequence: 2048 });
    const assumed = known<Dtype>('bf16', { kind: 'assumed', because: 'no file pins the release' });
    for (const mode of ['autocast', 'pure'] as const) {
      const of = (weights: Known<Dtype>) =>
        estimateMemory({
          ...run,
          precision: { mode: value(mode), weights, compute: mode === 'pure' ? weights : value('bf16') },
        });
      const open = of(assumed);
      const [half, full] = [of(value('bf16')).memory, of(value('fp32')).memory];
      expect(open.assumptions).toContainEqual(expect.objectContaining({ what: 'stored weights', value: 'bf16' }));
      expect(open.memory).toMatchObject({ value: half?.value, low: half?.low });
      expect((open.memory?.high ?? 0) / (full?.high ?? 1)).toBeCloseTo(1, 1);
      expect(full?.low).toBeGreaterThan(half?.high ?? 0);
    }
  });

  it('has no open dtype where every reading has 16 bits, or where FSDP makes it fp32', () => {
    const weights = known<Dtype>('bf16', { kind: 'assumed', because: 'no file pins the release' });
    const autocast = (run: TrainingRun): TrainingRun => ({
      ...run,
      precision: { mode: value('autocast'), weights, compute: value('bf16') },
    });
    for (const run of [testRun({ sharding: zero(3), world: 8 }), testRun({ sharding: fsdp(), world: 8 })]) {
      const words = estimateMemory(autocast(run)).assumptions.map(({ what }) => what);
      expect(words).not.toContain('stored weights');
    }
  });

  it('says which LoRA targets it takes', () => {
    const run = testRun({ lora: { rank: 16, targets: [] } });
    const lora = value({
      rank: value(16),
      targets: unknown<readonly string[]>('not written'),
      modulesToSave: value([]),
    });
    const { assumptions } = estimateMemory({ ...run, lora });
    expect(assumptions).toContainEqual(expect.objectContaining({ what: 'LoRA targets', value: 'q_proj, v_proj' }));
  });

  it('widens the band when the sequence length is assumed, and says which', () => {
    const run = testRun({ micro: 8, sequence: 1024 });
    const guessed: TrainingRun = { ...run, batch: { ...run.batch, sequenceLength: unknown('max_length is not set') } };
    const certain = estimateMemory(run);
    const assumed = estimateMemory(guessed);
    expect(assumed.memory?.value).toBe(certain.memory?.value);
    expect(assumed.memory?.high).toBeGreaterThan((certain.memory?.high ?? 0) * 1.2);
    expect(assumed.memory?.low).toBeLessThan(certain.memory?.low ?? 0);
    expect(assumed.assumptions).toContainEqual(
      expect.objectContaining({ what: 'sequence length', value: '1024 tokens' }),
    );
  });

  it('does not judge without a capacity', () => {
    const { memory, assumptions } = estimateMemory(testRun());
    expect(memory?.capacity).toBeNull();
    expect(memory?.fits).toBeNull();
    expect(assumptions).toContainEqual(expect.objectContaining({ what: 'GPU memory' }));
  });

  it('says it fits only if the high end fits, and that it does not only if the low end does not', () => {
    const run = testRun();
    const { memory } = estimateMemory(run);
    if (memory === null) throw new Error('no estimate');
    const fits = (bytes: number): boolean | null | undefined => estimateMemory(withMemory(run, bytes)).memory?.fits;
    expect(fits(memory.high)).toBe(true);
    expect(fits(memory.high - 1)).toBeNull();
    expect(fits(memory.low)).toBeNull();
    expect(fits(memory.low - 1)).toBe(false);
  });

  it('assumes Adam for an optimizer it does not know, and says so', () => {
    const { assumptions } = estimateMemory(testRun({ optimizer: 'my_optimizer' }));
    expect(assumptions).toContainEqual(expect.objectContaining({ what: 'optimizer state' }));
  });

  const FILLED_IN = unknown<never>('it is filled in by a template or variable', {
    kind: 'file',
    path: 'train.yaml',
    start: 0,
    end: 1,
    key: 'a_key',
  });

  it('counts eager attention at the high end, and a flash kernel at the low one, where a template fills it in', () => {
    const run = testRun({ micro: 8, sequence: 2048, packing: false });
    const bytes = (attention: 'eager' | 'flash_attention_2' | 'sdpa') =>
      estimateMemory({ ...run, attention: value(attention) }).memory;
    const { memory, assumptions } = estimateMemory({ ...run, attention: FILLED_IN });
    expect(memory?.value).toBe(bytes('sdpa')?.value);
    expect(memory?.low).toBe(bytes('flash_attention_2')?.low);
    expect(memory?.high).toBe(bytes('eager')?.high);
    expect(assumptions).toContainEqual(expect.objectContaining({ what: 'attention', value: 'sdpa' }));
  });

  it('counts blocks that are not compiled at the high end, and compiled ones at the low one', () => {
    const run = testRun({ micro: 8, sequence: 2048 });
    const { memory } = estimateMemory({ ...run, torchCompile: FILLED_IN });
    const certain = estimateMemory(run).memory;
    expect(memory?.value).toBe(certain?.value);
    expect(memory?.high).toBe(certain?.high);
    expect(memory?.low).toBe(estimateMemory({ ...run, torchCompile: value(true) }).memory?.low);
  });

  it('reaches down to adapters and 4 bits, and to high ranks of all linear layers, where switches are filled in', () => {
    const run = testRun();
    const full = estimateMemory(run).memory?.value ?? 0;
    const { memory } = estimateMemory({ ...run, lora: FILLED_IN, quantization: FILLED_IN });
    expect(memory?.value).toBe(full);
    expect(memory?.low).toBeLessThan(0.2 * full);
    const adapters = { rank: FILLED_IN, targets: FILLED_IN, modulesToSave: value([]) };
    const lora = estimateMemory({ ...run, lora: value(adapters) }).memory;
    const most = estimateMemory(testRun({ lora: { rank: 64, targets: ['all-linear'] } })).memory;
    expect(lora?.high).toBe(most?.high);
  });

  it('reaches down to fewer states where the optimizer is not known: Lion under ZeRO, which takes no 8-bit one', () => {
    for (const [sharding, least] of [
      [zero(3), 'lion'],
      [SINGLE, 'adamw_8bit'],
    ] as const) {
      const run = testRun({ sharding, optimizer: 'adamw_torch' });
      const { memory } = estimateMemory({ ...run, optimizer: { ...run.optimizer, name: unknown('the script') } });
      expect(memory?.value).toBe(estimateMemory(run).memory?.value);
      expect(memory?.low).toBe(estimateMemory(testRun({ sharding, optimizer: least })).memory?.low);
    }
  });
});

describe('what is a guess', () => {
  const width = (run: TrainingRun): number => {
    const { memory } = estimateMemory(run);
    return (memory?.high ?? 0) - (memory?.low ?? 0);
  };

  it('widens the band: units that nothing limits, experts that nobody balances', () => {
    const limited = testRun({ world: 8, sharding: fsdp({ version: 1 }) });
    const free = testRun({ world: 8, sharding: fsdp({ version: 1, limitAllGathers: false }) });
    expect(width(free)).toBeGreaterThan(1.2 * width(limited));
    const together = testRun({ world: 8, micro: 8, sequence: 4096 });
    const spread: TrainingRun = { ...together, parallelism: { ...together.parallelism, expert: value(8) } };
    expect(width(spread)).toBeGreaterThan(width(together));
  });

  it('is not named as what would decide where the band does not reach to it', () => {
    const run = testRun({ optimizer: 'my_optimizer' });
    const { memory } = estimateMemory(run);
    const tight = withMemory(run, (memory?.low ?? 0) + 1);
    expect(estimateMemory(tight).memory?.fits).toBeNull();
    expect(estimateMemory(tight).memory?.open).toBeUndefined();
    expect(estimateMemory(tight).memory?.decides).toMatch(/^one step on the GPU/);
  });

  it('keeps 16-bit shards under FSDP with accelerate before 0.30, which casts none up', () => {
    const run = testRun({ world: 8, sharding: fsdp(), mode: 'autocast' });
    const bytes = (of: TrainingRun): number =>
      estimateMemory(of).memory?.phases.step?.terms.find(({ id }) => id === 'parameters.weights')?.bytes ?? 0;
    expect(bytes({ ...run, frameworks: { accelerate: value('0.29.3') } })).toBe(bytes(run) / 2);
  });
});
