import { describe, expect, it } from 'vitest';
import { blockBytes } from '../../../../server/src/core/estimate/memory/blocks';
import { type Facts, readFacts } from '../../../../server/src/core/estimate/memory/facts';
import { estimateMemory } from '../../../../server/src/core/estimate/memory/index';
import { headFactors } from '../../../../server/src/core/estimate/memory/loss-head';
import { LLAMA_3_8B, llamaModel, type RunSpec, TEST_LAYER, testRun } from '../builders';

/** The layer on which the exact counts were made: b = 2, s = 256, h = 512, I = 1408, n = 8, k = 2. */
function factsOf(spec: RunSpec): Facts {
  const run = testRun({ model: llamaModel(TEST_LAYER), micro: 2, sequence: 256, ...spec });
  const facts = readFacts(run, 'expected', () => undefined);
  if (facts === undefined) throw new Error('no facts');
  return facts;
}

const perTokenAndFeature = (bytes: number): number => bytes / (512 * 512);

describe('the exact counts', () => {
  it.each<[string, RunSpec, number]>([
    ['bf16, flash', {}, 43.078125],
    ['bf16, eager', { attention: 'eager' }, 70.015625],
    ['fp32, grouped heads without a mask', { weights: 'fp32', compute: 'fp32' }, 100.015625],
    ['autocast over fp32 weights', { weights: 'fp32', mode: 'autocast' }, 53.078125],
  ])('%s', (_, spec, expected) => {
    const facts = factsOf(spec);
    // The kernel keeps the state of its random numbers too: 24 bytes.
    expect(perTokenAndFeature(blockBytes(facts, 0).saved)).toBeCloseTo(expected, 3);
  });

  it('keeps the 16-bit copy of the weights under autocast', () => {
    const facts = factsOf({ weights: 'fp32', mode: 'autocast' });
    // All but the two norms, which are not cast.
    expect(blockBytes(facts, 0).casts).toBe(2 * ((facts.model.blocks[0]?.parameters ?? 0) - 2 * 512));
  });

  it.each<[string, RunSpec, number]>([
    ['bf16', {}, 2],
    ['autocast over fp32 weights', { weights: 'fp32', mode: 'autocast' }, 4],
  ])('full checkpointing keeps the stream, %s', (_, spec, expected) => {
    const facts = factsOf({ ...spec, checkpointing: 'full' });
    expect(perTokenAndFeature(blockBytes(facts, 0).checkpoint)).toBe(expected);
  });

  it('takes 10 and 12 bytes per token and word at the loss', () => {
    expect(headFactors(factsOf({}))).toMatchObject({ forward: 10, backward: 12 });
  });

  it('needs exactly one more copy of the parameters for a foreach step', () => {
    const step = (implementation: 'foreach' | 'fused'): number => {
      const run = testRun({
        model: llamaModel(LLAMA_3_8B),
        implementation,
        optimizer: 'adamw_torch',
        micro: 1,
        sequence: 8,
      });
      const terms = estimateMemory(run).memory?.phases.step?.terms ?? [];
      return terms.find((term) => term.id === 'buffers.step')?.bytes ?? 0;
    };
    expect(step('foreach')).toBe(2 * 8_030_261_248);
    expect(step('fused')).toBe(0);
  });

  it('counts Llama-3-8B as 8,030,261,248 parameters', () => {
    const model = llamaModel(LLAMA_3_8B);
    const facts = readFacts(testRun({ model }), 'expected', () => undefined);
    expect(facts?.counts.total).toBe(8_030_261_248);
  });
});
