import { describe, expect, it } from 'vitest';
import { describeModel } from '../../../server/src/core/models/describe';
import { knownModelTypes } from '../../../server/src/core/models/families';
import type { Model } from '../../../server/src/core/models/model';

const options = { name: 'config.json', source: 'config.json', confidence: 'high' } as const;
const LLAMA = {
  model_type: 'llama',
  architectures: ['LlamaForCausalLM'],
  hidden_size: 256,
  intermediate_size: 512,
  num_hidden_layers: 4,
  num_attention_heads: 8,
  num_key_value_heads: 2,
  vocab_size: 1000,
  torch_dtype: 'bfloat16',
};

function model(config: object): Model {
  const result = describeModel(config, options);
  if ('problem' in result) throw new Error(result.problem);
  return result.model;
}

describe('describeModel', () => {
  it('counts what can be counted by hand', () => {
    const layer = 256 * 256 * 2 + 256 * 64 * 2 + 3 * 256 * 512 + 2 * 256;
    const found = model(LLAMA);
    expect(found.parameters.total).toBe(4 * layer + 2 * 1000 * 256 + 256);
    expect(found.blocks).toEqual([
      {
        className: 'LlamaDecoderLayer',
        count: 4,
        parameters: layer,
        tower: 'text',
        attention: { heads: 8, kvHeads: 2, headDim: 32, valueHeadDim: 32, kind: 'standard', qkNorm: false },
        mlp: { intermediateSize: 512, gated: true },
      },
    ]);
    expect(found.dtype).toBe('bfloat16');
  });

  it('counts a tied head once', () => {
    const apart = model(LLAMA).parameters.total;
    expect(model({ ...LLAMA, tie_word_embeddings: true }).parameters.total).toBe(apart - 1000 * 256);
  });

  it('adds the head of the class that is named', () => {
    const body = model({ ...LLAMA, architectures: ['LlamaModel'] }).parameters.total;
    expect(model({ ...LLAMA, architectures: ['LlamaForSequenceClassification'], num_labels: 3 }).parameters.total).toBe(
      body + 3 * 256,
    );
  });

  it('says what it took from the defaults', () => {
    const { intermediate_size: _, ...rest } = LLAMA;
    expect(model(rest).assumptions).toEqual([
      'not in config.json, so as transformers 5.18.0 has it: intermediate_size 11008',
    ]);
  });

  it.each([
    [{ ...LLAMA, model_type: undefined }, 'model_type is missing'],
    [{ ...LLAMA, model_type: 'something-new' }, 'model_type "something-new" is not one that Shardlens can count'],
    [{ ...LLAMA, hidden_size: 'large' }, 'hidden_size is not a size: "large"'],
    [{ ...LLAMA, vocab_size: null }, 'vocab_size is missing'],
    [{ ...LLAMA, num_hidden_layers: -1 }, 'num_hidden_layers is not a size: -1'],
    [
      { ...LLAMA, architectures: ['LlamaForDancing'] },
      'class LlamaForDancing of model_type "llama" is not one that Shardlens can count',
    ],
    [{ model_type: 'llama' }, 'hidden_size is missing'],
    [{ ...LLAMA, num_attention_heads: 7 }, 'the hidden size 256 is not a multiple of the number of heads 7'],
    [[], 'config.json is not an object'],
    [null, 'config.json is not an object'],
  ])('has a problem with %j', (config, problem) => {
    expect(describeModel(config, options)).toEqual({ problem });
  });

  it('grows with every size', () => {
    const base = model(LLAMA).parameters.total;
    for (const name of ['hidden_size', 'intermediate_size', 'num_hidden_layers', 'vocab_size'] as const) {
      expect(model({ ...LLAMA, [name]: LLAMA[name] * 2 }).parameters.total).toBeGreaterThan(base);
    }
  });

  it('is linear in the number of layers', () => {
    const totals = [1, 2, 3].map((layers) => model({ ...LLAMA, num_hidden_layers: layers }).parameters.total);
    expect((totals[2] ?? 0) - (totals[1] ?? 0)).toBe((totals[1] ?? 0) - (totals[0] ?? 0));
  });

  it('splits the total into kinds and blocks without rest', () => {
    const found = model({
      ...LLAMA,
      model_type: 'qwen3_moe',
      architectures: ['Qwen3MoeForCausalLM'],
      num_experts: 8,
      num_experts_per_tok: 2,
      moe_intermediate_size: 64,
    });
    const byKind = Object.values(found.parameters.byKind).reduce((sum, size) => sum + size, 0);
    expect(byKind).toBe(found.parameters.total);
    const outside = found.groups
      .filter((group) => group.block === undefined)
      .reduce((sum, group) => sum + group.shape.reduce((product, side) => product * side, group.count), 0);
    expect(found.blocks.reduce((sum, block) => sum + block.count * block.parameters, outside)).toBe(
      found.parameters.total,
    );
    expect(found.parameters.active).toBeLessThan(found.parameters.total);
  });

  it('never throws, whatever a known type is given', () => {
    for (const model_type of knownModelTypes()) {
      for (const value of [null, 0, -3, 1e9, 2 ** 52, 1e300, 'x', [], {}, [null]]) {
        const config = {
          ...LLAMA,
          model_type,
          hidden_size: value,
          text_config: value,
          layer_types: value,
          num_experts: value,
        };
        expect(() => describeModel(config, options)).not.toThrow();
        expect(() => describeModel({ ...config, architectures: value, hidden_size: 64 }, options)).not.toThrow();
      }
    }
  });
});
