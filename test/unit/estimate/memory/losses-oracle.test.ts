import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Facts, readFacts } from '../../../../server/src/core/estimate/memory/facts';
import { type FusedBy, fusedHead } from '../../../../server/src/core/estimate/memory/fused-head';
import { LLAMA_3_8B, llamaModel, testRun } from '../builders';

/** One loss of test/oracle/record_losses.py: bytes while it is made and in its backward, beside stream, head and labels. */
interface Point {
  readonly by: FusedBy;
  readonly way: 'trained' | 'frozen' | 'evaluation';
  readonly precision: 'bf16' | 'fp32' | 'amp';
  readonly tokens: number;
  readonly hidden: number;
  readonly vocabulary: number;
  readonly result: { readonly loss: number; readonly backward?: number };
}

const { points }: { readonly points: readonly Point[] } = JSON.parse(
  readFileSync(new URL('../fixtures/losses-oracle.json', import.meta.url), 'utf8'),
);

function factsOf({ way, precision, tokens, hidden, vocabulary }: Point): Facts {
  const model = llamaModel({ ...LLAMA_3_8B, hidden, vocab: vocabulary });
  const types = {
    bf16: { weights: 'bf16', compute: 'bf16' },
    fp32: { weights: 'fp32', compute: 'fp32' },
    amp: { weights: 'fp32', compute: 'bf16', mode: 'autocast' },
  } as const;
  const run = testRun({
    ...types[precision],
    model,
    sequence: tokens,
    ...(way === 'frozen' && { lora: { rank: 8, targets: ['q_proj'] } }),
  });
  const facts = readFacts(run, 'expected', () => undefined);
  if (!facts) throw new Error('no facts');
  return facts;
}

describe('losses that are made in pieces, as Liger and TRL make them on fake tensors', () => {
  it('has both, in every precision, trained, frozen and evaluated', () => {
    expect(new Set(points.map(({ by, precision, way }) => `${by} ${precision} ${way}`)).size).toBe(18);
  });

  it.each(points.map((point) => [`${point.by} ${point.precision} ${point.way} ${point.tokens}`, point] as const))(
    '%s: bytes to 0.5 %',
    (_, point) => {
      const facts = factsOf(point);
      const near = (bytes: number, counted: number): void => expect(Math.abs(bytes / counted - 1)).toBeLessThan(0.005);
      const { loss, backward } = point.result;
      near(fusedHead(facts, point.by, point.way === 'evaluation' ? 'evaluation' : 'forward').bytes, loss);
      if (backward !== undefined) near(fusedHead(facts, point.by, 'backward').bytes, backward);
    },
  );
});
