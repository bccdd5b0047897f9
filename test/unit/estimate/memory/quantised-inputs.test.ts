import { describe, expect, it } from 'vitest';
import { blockBytes } from '../../../../server/src/core/estimate/memory/blocks';
import { readFacts } from '../../../../server/src/core/estimate/memory/facts';
import type { Model } from '../../../../server/src/core/models/model';
import { LLAMA_3_8B, llamaModel, testRun, value } from '../builders';

/** What a block of a quantised model keeps, with the release of bitsandbytes. */
function saved(model: Model, bitsandbytes: string): number {
  const lora = { rank: 8, targets: ['q_proj'] };
  const run = testRun({ model, lora, quantization: 'nf4', sequence: 1024 });
  const facts = readFacts({ ...run, frameworks: { bitsandbytes: value(bitsandbytes) } }, 'expected', () => undefined);
  return facts ? blockBytes(facts, 0).saved : Number.NaN;
}

describe('inputs that quantised products keep', () => {
  it('come with what a trained block keeps, less what two RMSNorms keep for their weights; LayerNorm keeps its input in any case', () => {
    const rms = llamaModel(LLAMA_3_8B);
    const bias = {
      name: 'model.layers.*.input_layernorm.bias',
      kind: 'norm',
      module: 'norm',
      shape: [4096],
      count: 32,
      block: 0,
    } as const;
    const layerNorm: Model = { ...rms, groups: [...rms.groups, bias] };
    expect(saved(layerNorm, '0.41.0') - saved(rms, '0.41.0')).toBe(2 * 2 * 4096 * 1024);
    expect(saved(rms, '0.41.0')).toBeGreaterThan(saved(rms, '0.43.2'));
    expect(saved(layerNorm, '0.43.2')).toBe(saved(rms, '0.43.2'));
  });
});
