import { describe, expect, it } from 'vitest';
import { readFacts } from '../../../../server/src/core/estimate/memory/facts';
import { estimateMemory } from '../../../../server/src/core/estimate/memory/index';
import { momentsOf } from '../../../../server/src/core/estimate/memory/moments';
import { known, type Origin, unknown } from '../../../../server/src/core/run/known';
import type { KeptLogits, TrainingRun } from '../../../../server/src/core/run/training-run';
import { fsdp, testRun, value, zero } from '../builders';

const LIGER: Origin = { kind: 'file', path: '/train.yaml', key: 'use_liger_kernel', start: 0, end: 1 };
const CHUNKED: Origin = { kind: 'file', path: '/train.yaml', key: 'loss_type', start: 0, end: 1 };

/** Bytes of logits while evaluating. */
function logits(fused: boolean, origin: Origin): number {
  const run = { ...testRun({ micro: 4, sequence: 2048, evaluation: true }), fusedLoss: known(fused, origin) };
  return bytesOf(run, 'logits');
}

describe('evaluation', () => {
  it("makes all logits under Liger's loss, which is fused only while training", () => {
    const plain = logits(false, LIGER);
    expect(plain).toBeGreaterThan(0);
    expect(logits(true, LIGER)).toBe(plain);
  });

  it("makes them in chunks under TRL's chunked loss", () => {
    expect(logits(true, CHUNKED)).toBeLessThan(0.1 * logits(false, CHUNKED));
  });

  it('may make them in chunks where the release decides, so that the low end has none', () => {
    const run = testRun({ micro: 8, sequence: 4096, evaluation: true });
    const low = (fusedLoss: TrainingRun['fusedLoss']) => estimateMemory({ ...run, fusedLoss }).memory?.low ?? 0;
    expect(low(unknown('the release'))).toBe(low(known(true, CHUNKED)));
    expect(low(unknown('the release'))).toBeLessThan(low(known(false, CHUNKED)) - 30 * 2 ** 30);
  });

  it("skips logits under Liger's loss with transformers 5.15, and holds those of some tokens and a gradient of the stream", () => {
    const run = (transformers: string): TrainingRun => ({
      ...testRun({ micro: 4, sequence: 2048, evaluation: true }),
      fusedLoss: known(true, LIGER),
      frameworks: { transformers: value(transformers) },
    });
    const tokens = 4 * 2048;
    expect(bytesOf(run('5.15.0'), 'logits')).toBe(2 * 256 * 128256 + 2 * tokens * 4096);
    expect(bytesOf(run('5.14.0'), 'logits')).toBe(logits(false, LIGER));
  });
});

const RUN = {
  ...testRun({ micro: 4, sequence: 2048, evaluation: true, world: 8, sharding: zero(3), compute: 'bf16' }),
};

/** Of the moment when the logits of a batch are there. */
function bytesOf(run: TrainingRun, id: string): number {
  const facts = readFacts(run, 'expected', () => undefined);
  const moment = facts && momentsOf(facts).moments.find(({ name }) => name === 'logits of a batch');
  return moment?.parts.find((part) => part.id === id)?.bytes ?? 0;
}

const keeping = (kept: KeptLogits['kept'], movedAfter: KeptLogits['movedAfter'] = unknown('not set')): TrainingRun => ({
  ...RUN,
  evalLogits: { kept, movedAfter },
});

describe('logits that evaluation keeps', () => {
  const BATCH = 2 * 8 * 4 * 2048 * 128256;

  it('are gathered from all ranks, and there are as many batches as go to the host at once', () => {
    expect(bytesOf(keeping(value(true)), 'logits.kept')).toBe(BATCH);
    expect(bytesOf(keeping(value(true), value(4)), 'logits.kept')).toBe(4 * BATCH);
    expect(bytesOf(keeping(value(false)), 'logits.kept')).toBe(0);
  });

  it('may be made small by the script, so that the low end has none', () => {
    const { memory, assumptions } = estimateMemory(keeping(value(true), value(4)));
    expect(memory?.phase).toBe('eval');
    expect(memory?.low).toBe(estimateMemory(RUN).memory?.low);
    expect(assumptions).toContainEqual(
      expect.objectContaining({ what: 'logits that evaluation keeps', value: 'of 4 batches' }),
    );
  });

  it('are a hint where the script decides, which makes no band wider', () => {
    const { memory, assumptions } = estimateMemory(keeping(unknown('the script')));
    expect(memory).toEqual(estimateMemory(RUN).memory);
    const hint = assumptions.find(({ what }) => what === 'logits that evaluation keeps');
    expect(hint?.because).toMatch(/^if the script passes compute_metrics, each batch leaves 15.7 GiB on every GPU/);
    expect(
      estimateMemory({ ...keeping(unknown('the script')), evaluation: value(false) }).assumptions,
    ).not.toContainEqual(hint);
  });
});

describe('what evaluation generates', () => {
  const asked = value(true);
  const run = (generation: Partial<NonNullable<TrainingRun['evalGeneration']>> = {}): TrainingRun => ({
    ...testRun({ micro: 8, sequence: 1024, evaluation: true }),
    evalGeneration: { asked, length: value(1280), beams: value(4), ...generation },
  });
  const cache = (of: TrainingRun): number => {
    const facts = readFacts(of, 'expected', () => undefined);
    const moment = facts && momentsOf(facts).moments.find(({ name }) => name === 'generation');
    return moment?.parts.find(({ id }) => id === 'activations.cache')?.bytes ?? 0;
  };

  it('keeps keys and values of all tokens of each beam', () => {
    // 32 blocks of 8 heads of 128, in bf16.
    expect(cache(run())).toBe(2 * 2 * 32 * 8 * 128 * 8 * 4 * 1280);
    expect(cache(run({ beams: value(1) }))).toBe(cache(run()) / 4);
  });

  it('is nothing where no evaluation asks for it', () => {
    expect(cache({ ...run(), evaluation: value(false) })).toBe(0);
    expect(cache(testRun({ evaluation: true }))).toBe(0);
  });

  it('reaches from nothing to long answers with beams where the arguments leave it open', () => {
    const open = run({ length: unknown('generation_max_length is not set'), beams: unknown('not set') });
    const { memory, assumptions } = estimateMemory(open);
    const assumption = assumptions.find(({ what }) => what === 'what evaluation generates');
    expect(assumption?.value).toBe('up to 20 tokens with 1 beam');
    expect(assumption?.because).toMatch(/generation_max_length is not set/);
    const without = estimateMemory({ ...open, evalGeneration: undefined }).memory;
    expect(memory?.low).toBe(without?.low);
    expect(memory?.high).toBeGreaterThanOrEqual(without?.high ?? 0);
  });

  it('gathers the whole model with FSDP 1', () => {
    const sharding = fsdp({ version: 1 });
    const facts = readFacts(
      { ...run(), sharding: value(sharding), parallelism: { ...run().parallelism, shard: value(8) } },
      'expected',
      () => undefined,
    );
    const moment = facts && momentsOf(facts).moments.find(({ name }) => name === 'generation');
    const gathered = moment?.parts.find(({ id }) => id === 'buffers.generation')?.bytes ?? 0;
    expect(gathered).toBeGreaterThan(1.7 * 8e9 * 0.87);
  });
});
