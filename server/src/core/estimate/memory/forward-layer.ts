import { formatCount } from '../../text/format';
import type { Facts } from './facts';
import type { Part } from './part';

/** The stream four times and the MLP's width two or three times; attention in Python has every pair of positions, in 16 bits and in fp32. */
export function layerPart(facts: Facts, tokens: number, from: Part['from']): Part {
  const { model, computeBytes: c, tensor, attention, sequence } = facts;
  // T5's bias for each pair of positions is a mask as wide as the products; its MLP holds one tensor more, and its stream one less.
  const hasBias = model.groups.some(({ name }) => name.includes('relative_attention_bias'));
  let width = 0;
  let heads = 0;
  for (const { mlp, attention: it } of model.blocks) {
    width = Math.max(width, ((mlp?.gated || hasBias ? 3 : 2) * (mlp?.intermediateSize ?? 0)) / tensor);
    heads = Math.max(heads, (it?.heads ?? 0) / tensor);
  }
  const isEager = attention === 'eager' || model.recorded?.hasSdpa === false;
  const pairs = (isEager ? c + 4 : hasBias ? c : 0) * heads * sequence;
  const perToken = c * ((hasBias ? 3 : 4) * model.hiddenSize + width) + pairs;
  return {
    id: 'activations.eval',
    group: 'activations',
    bytes: perToken * tokens,
    label: () => 'one layer in forward',
    formula: () => `${formatCount(perToken)} B × ${formatCount(tokens)} tokens`,
    source: `inputs and outputs of the widest layer, without a graph; counted with transformers 5.23 by test/oracle/record_evaluation.py`,
    from,
  };
}
