import { describe, expect, it } from 'vitest';
import { estimateCheckpoint } from '../../../../server/src/core/estimate/checkpoint';
import { estimateHost } from '../../../../server/src/core/estimate/host';
import { estimateMemory } from '../../../../server/src/core/estimate/memory/index';
import type { Cluster } from '../../../../server/src/core/hardware/hardware';
import { unknown } from '../../../../server/src/core/run/known';
import type { TrainingRun } from '../../../../server/src/core/run/training-run';
import { SINGLE, testRun, value, zero } from '../builders';

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
});
