import type { ConfigReader } from '../config';
import { conv, embedding, layerNorm, linear, parameter, type Tensor, under } from '../parts';
import { bertMlp, type Sizes } from './bert';

/** DebertaEmbeddings; some of its tables are switched off by the config. */
export function debertaEmbeddings(c: ConfigReader, s: Sizes): Tensor[] {
  const width = c.optional('embedding_size') ?? s.hidden;
  const types = c.amount('type_vocab_size');
  return under(
    'embeddings',
    undefined,
    embedding('word_embeddings', s.vocab, width),
    c.value('position_biased_input') === false ? [] : embedding('position_embeddings', s.positions, width),
    types > 0 ? embedding('token_type_embeddings', types, width) : [],
    width === s.hidden ? [] : linear('embed_proj', width, s.hidden),
    layerNorm('LayerNorm', s.hidden),
  );
}

/** `max_relative_positions` below one means as many as there are positions. */
export function relativePositions(c: ConfigReader, s: Sizes): number {
  const most = c.value('max_relative_positions');
  return typeof most === 'number' && most >= 1 ? most : s.positions;
}

function listed(c: ConfigReader, name: string): readonly string[] {
  const text = c.text(name);
  return (c.texts(name) ?? text?.split('|') ?? []).map((item) => item.trim().toLowerCase());
}

/** Embeddings, relative positions and the convolution of DebertaV2Encoder. */
export function debertaV2Outside(c: ConfigReader, s: Sizes): Tensor[] {
  const buckets = c.value('position_buckets');
  const positions = typeof buckets === 'number' && buckets > 0 ? 2 * buckets : 2 * relativePositions(c, s);
  const isRelative = c.flag('relative_attention');
  const kernel = c.optional('conv_kernel_size') ?? 0;
  return [
    ...debertaEmbeddings(c, s),
    ...under(
      'encoder',
      undefined,
      isRelative ? embedding('rel_embeddings', positions, s.hidden) : [],
      listed(c, 'norm_rel_ebd').includes('layer_norm') ? layerNorm('LayerNorm', s.hidden) : [],
      kernel > 0
        ? under(
            'conv',
            'other',
            conv('conv', [s.hidden, s.hidden / (c.optional('conv_groups') ?? 1), kernel]),
            layerNorm('LayerNorm', s.hidden),
          )
        : [],
    ),
  ];
}

/** DisentangledSelfAttention (modeling_deberta_v2.py:159): own projections of positions unless they share the keys'. */
export function debertaV2Layer(c: ConfigReader, { hidden, width }: Sizes): Tensor[] {
  const types = listed(c, 'pos_att_type');
  const own = c.flag('relative_attention') && !c.flag('share_att_key');
  return [
    ...under(
      'attention',
      'attention',
      ...['self.query_proj', 'self.key_proj', 'self.value_proj'].map((name) => linear(name, hidden, hidden, true)),
      own && types.includes('c2p') ? linear('self.pos_key_proj', hidden, hidden, true) : [],
      own && types.includes('p2c') ? linear('self.pos_query_proj', hidden, hidden, true) : [],
      linear('output.dense', hidden, hidden, true),
      layerNorm('output.LayerNorm', hidden),
    ),
    ...bertMlp(hidden, width),
  ];
}

/** DisentangledSelfAttention of the first DeBERTa (modeling_deberta.py:170). */
export function debertaLayer(c: ConfigReader, { hidden, width, heads }: Sizes): Tensor[] {
  const types = listed(c, 'pos_att_type');
  const isRelative = c.flag('relative_attention');
  const talking = c.flag('talking_head');
  return [
    ...under(
      'attention',
      'attention',
      linear('self.in_proj', hidden, 3 * hidden),
      parameter('self.q_bias', [hidden]),
      parameter('self.v_bias', [hidden]),
      talking
        ? [...linear('self.head_logits_proj', heads, heads), ...linear('self.head_weights_proj', heads, heads)]
        : [],
      isRelative && types.includes('c2p') ? linear('self.pos_proj', hidden, hidden) : [],
      isRelative && types.includes('p2c') ? linear('self.pos_q_proj', hidden, hidden, true) : [],
      linear('output.dense', hidden, hidden, true),
      layerNorm('output.LayerNorm', hidden),
    ),
    ...bertMlp(hidden, width),
  ];
}
