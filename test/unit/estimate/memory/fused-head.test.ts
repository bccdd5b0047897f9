import { describe, expect, it } from 'vitest';
import { blockBytes } from '../../../../server/src/core/estimate/memory/blocks';
import { readFacts } from '../../../../server/src/core/estimate/memory/facts';
import { momentsOf } from '../../../../server/src/core/estimate/memory/moments';
import { known, type Origin } from '../../../../server/src/core/run/known';
import type { TrainingRun } from '../../../../server/src/core/run/training-run';
import { LLAMA_3_8B, llamaModel, type RunSpec, testRun, value } from '../builders';
import { cluster } from '../time/clusters';

const V = 128256;
const H = 4096;
const HEAD = V * H;
const LIGER: Origin = { kind: 'file', path: '/train.yaml', key: 'use_liger_kernel', start: 0, end: 1 };
const TRL: Origin = { kind: 'default', of: 'trl' };

function run(origin: Origin, trl: string | undefined, spec: RunSpec = {}): TrainingRun {
  const base = testRun({ model: llamaModel(LLAMA_3_8B), micro: 4, sequence: 4096, ...spec });
  return {
    ...base,
    fusedLoss: known(true, origin),
    liger: value(origin === LIGER),
    frameworks: trl === undefined ? {} : { trl: value(trl) },
  };
}

/** Bytes of logits while the loss is made, and at the start of backward. */
function logits(of: TrainingRun): readonly (number | undefined)[] {
  const facts = readFacts(of, 'expected', () => undefined);
  if (!facts) throw new Error('no facts');
  const { moments } = momentsOf(facts);
  return ['loss', 'start of backward'].map(
    (name) => moments.find((moment) => moment.name === name)?.parts.find(({ id }) => id === 'logits')?.bytes,
  );
}

const T = 4 * 4096;

describe('a loss made in pieces', () => {
  it('holds the gradients of head and stream in forward with Liger, and logits of as many tokens as match the stream', () => {
    // 128256 ÷ 4096 makes 32 pieces of 512 tokens.
    expect(logits(run(LIGER, undefined))).toEqual([2 * 512 * V + 2 * T * H + 2 * HEAD, 2 * T * H + 2 * HEAD]);
  });

  it('holds each product of the head beside its gradient, and in fp32 too, with an old Liger or a GPU before Ampere', () => {
    const old = 2 * 512 * V + 2 * T * H + 8 * HEAD;
    const assumed: string[] = [];
    const bytes = (of: TrainingRun, corner: 'expected' | 'high'): number | undefined => {
      const facts = readFacts(of, corner, ({ what }) => assumed.push(what));
      const loss = facts && momentsOf(facts).moments.find(({ name }) => name === 'loss');
      return loss?.parts.find(({ id }) => id === 'logits')?.bytes;
    };
    expect(bytes(run(LIGER, undefined), 'high')).toBe(old);
    expect(assumed).toContain("Liger's release");
    const lora = { rank: 8, targets: ['q_proj'] };
    assumed.length = 0;
    expect(bytes(run(LIGER, undefined, { lora }), 'high')).toBe(2 * 512 * V + 2 * T * H);
    expect(bytes({ ...run(LIGER, undefined), cluster: value(cluster('p3dn.24xlarge')) }, 'expected')).toBe(old);
    expect(assumed).not.toContain("Liger's release");
  });

  it('sums the gradient in fp32 in backward with TRL 1.15, and gives it back in 16 bits', () => {
    const tile = 2 * 4096 * 32768 + 2 * T * H;
    expect(logits(run(TRL, '1.16.0'))).toEqual([tile, tile + 6 * T * H + 6 * HEAD]);
  });

  it('holds all logits of 256 tokens with the releases before', () => {
    expect(logits(run(TRL, '1.10.0'))).toEqual([10 * 256 * V, 12 * 256 * V + 2 * T * H + 4 * HEAD]);
  });

  it('has no gradient of a frozen head', () => {
    const lora = { rank: 8, targets: ['q_proj'] };
    expect(logits(run(LIGER, undefined, { lora }))).toEqual([2 * 512 * V + 2 * T * H, 2 * T * H]);
  });

  it('takes less than all logits at once', () => {
    const all = logits(testRun({ model: llamaModel(LLAMA_3_8B), micro: 4, sequence: 4096 }));
    for (const fused of [run(LIGER, undefined), run(TRL, '1.16.0'), run(TRL, '1.10.0')]) {
      expect(Math.max(...logits(fused).map((bytes) => bytes ?? 0))).toBeLessThan(0.25 * (all[1] ?? 0));
    }
  });
});

describe("Liger's kernels in the blocks", () => {
  const saved = (of: TrainingRun): number => {
    const facts = readFacts(of, 'expected', () => undefined);
    return facts ? blockBytes(facts, 0).saved : 0;
  };
  const plain = (spec: RunSpec = {}) => testRun({ model: llamaModel(LLAMA_3_8B), micro: 4, sequence: 4096, ...spec });

  it('keep 8 bytes a token and width less of two norms, and 2 of the activated gate', () => {
    expect(saved(plain()) - saved(run(LIGER, undefined))).toBe(T * (8 * H + 2 * 14336));
    const lora = { rank: 8, targets: ['q_proj'] };
    expect(saved(plain({ lora })) - saved(run(LIGER, undefined, { lora }))).toBe(T * (4 * H + 2 * 14336));
  });

  it('are not in runs whose loss TRL makes in pieces, nor in families that Liger does not know', () => {
    expect(saved(run(TRL, '1.16.0'))).toBe(saved(plain()));
    const model = { ...llamaModel(LLAMA_3_8B), modelType: 'bloom' };
    expect(saved(run(LIGER, undefined, { model }))).toBe(saved(plain({ model })));
  });
});
