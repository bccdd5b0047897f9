import type { ConfigReader } from '../config';
import { embedding, layerNorm, linear, type Tensor, under } from '../parts';

/** Sizes of an encoder of BERT's kind. */
export interface Sizes {
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly width: number;
  readonly vocab: number;
  readonly positions: number;
}

/** Sizes under the names of BertConfig. */
export function usualSizes(c: ConfigReader): Sizes {
  return {
    hidden: c.size('hidden_size'),
    layers: c.size('num_hidden_layers'),
    heads: c.size('num_attention_heads'),
    width: c.size('intermediate_size'),
    vocab: c.size('vocab_size'),
    positions: c.size('max_position_embeddings'),
  };
}

/** BertLayer: biases everywhere, a LayerNorm after attention and after the MLP. */
export function bertLayer(_: ConfigReader, { hidden, width }: Sizes): Tensor[] {
  return [
    ...under(
      'attention',
      'attention',
      ...['self.query', 'self.key', 'self.value', 'output.dense'].map((name) => linear(name, hidden, hidden, true)),
      layerNorm('output.LayerNorm', hidden),
    ),
    ...bertMlp(hidden, width),
  ];
}

/** BertIntermediate and BertOutput. */
export function bertMlp(hidden: number, width: number): Tensor[] {
  return under(
    '',
    'mlp',
    linear('intermediate.dense', hidden, width, true),
    linear('output.dense', width, hidden, true),
    layerNorm('output.LayerNorm', hidden),
  );
}

/** Word, position and token-type tables of one width, and a LayerNorm. */
export function bertEmbeddings(c: ConfigReader, s: Sizes, width = s.hidden): Tensor[] {
  const types = c.amount('type_vocab_size');
  return under(
    'embeddings',
    undefined,
    embedding('word_embeddings', s.vocab, width),
    embedding('position_embeddings', s.positions, width),
    types > 0 ? embedding('token_type_embeddings', types, width) : [],
    layerNorm('LayerNorm', width),
  );
}

/** A dense layer over the first token. */
export const densePooler = ({ hidden }: Sizes) => under('pooler', 'other', linear('dense', hidden, hidden, true));
