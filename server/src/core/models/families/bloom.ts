import type { ConfigReader } from '../config';
import { plainMlp } from '../dimensions';
import { decoderFamily, type Family } from '../family';
import type { Layout } from '../layout';
import { embedding, layerNorm, linear, norm, parameter, under } from '../parts';
import { equalHeads, fusedAttention, gptLayout } from './gpt-layout';

function bloomBody(c: ConfigReader): Layout {
  const hidden = c.size('n_embed', 'hidden_size');
  const vocab = c.size('vocab_size');
  const heads = equalHeads(c, c.size('n_head', 'num_attention_heads'), hidden);
  return gptLayout(c, {
    hidden,
    layers: c.size('n_layer', 'num_hidden_layers'),
    vocab,
    positions: c.limit('seq_length'),
    at: 'h',
    className: 'BloomBlock',
    outside: [
      ...embedding('word_embeddings', vocab, hidden),
      ...layerNorm('word_embeddings_layernorm', hidden),
      ...layerNorm('ln_f', hidden),
    ],
    attention: fusedAttention('self_attention', hidden, heads, ['query_key_value', 'dense'], true),
    mlp: plainMlp(hidden, 4 * hidden, ['dense_h_to_4h', 'dense_4h_to_h'], true),
    norms: [...layerNorm('input_layernorm', hidden), ...layerNorm('post_attention_layernorm', hidden)],
  });
}

/** FalconAttention and FalconDecoderLayer (modeling_falcon.py:241, 561). */
function falconBody(c: ConfigReader): Layout {
  const hidden = c.size('n_embed', 'hidden_size');
  const vocab = c.size('vocab_size');
  const heads = c.size('num_attention_heads');
  const isNew = c.flag('new_decoder_architecture');
  const kvHeads = isNew ? (c.optional('num_kv_heads') ?? heads) : c.flag('multi_query') ? 1 : heads;
  const norms = c.optional('num_ln_in_parallel_attn') ?? (isNew ? 2 : 1);
  const names = !c.flag('parallel_attn')
    ? ['post_attention_layernorm', 'input_layernorm']
    : norms === 2
      ? ['ln_attn', 'ln_mlp']
      : ['input_layernorm'];
  const bias = c.flag('bias');
  return gptLayout(c, {
    hidden,
    layers: c.size('num_hidden_layers'),
    vocab,
    positions: c.limit('max_position_embeddings'),
    at: 'h',
    className: 'FalconDecoderLayer',
    outside: [...embedding('word_embeddings', vocab, hidden), ...layerNorm('ln_f', hidden)],
    attention: fusedAttention(
      'self_attention',
      hidden,
      equalHeads(c, heads, hidden, kvHeads),
      ['query_key_value', 'dense'],
      bias,
    ),
    mlp: plainMlp(hidden, c.optional('ffn_hidden_size') ?? 4 * hidden, ['dense_h_to_4h', 'dense_4h_to_h'], bias),
    norms: names.flatMap((name) => layerNorm(name, hidden)),
  });
}

/** MptBlock (modeling_mpt.py:142): no biases, and an MLP of four times the width whatever `expansion_ratio` says. */
function mptBody(c: ConfigReader): Layout {
  const hidden = c.size('d_model', 'hidden_size');
  const vocab = c.size('vocab_size');
  const heads = equalHeads(c, c.size('n_heads', 'num_attention_heads'), hidden);
  return gptLayout(c, {
    hidden,
    layers: c.size('n_layers', 'num_hidden_layers'),
    vocab,
    positions: c.limit('max_seq_len'),
    at: 'blocks',
    className: 'MptBlock',
    outside: [...embedding('wte', vocab, hidden), ...norm('norm_f', hidden)],
    attention: fusedAttention('attn', hidden, heads, ['Wqkv', 'out_proj'], false),
    mlp: plainMlp(hidden, 4 * hidden, ['up_proj', 'down_proj'], false, 'ffn'),
    norms: [...norm('norm_1', hidden), ...norm('norm_2', hidden)],
  });
}

/** DbrxBlock (modeling_dbrx.py): experts stacked along the first dimension of three matrices. */
function dbrxBody(c: ConfigReader): Layout {
  const hidden = c.size('d_model', 'hidden_size');
  const vocab = c.size('vocab_size');
  const heads = c.size('n_heads', 'num_attention_heads');
  const ffn = c.child('ffn_config', 'dbrx_ffn');
  const count = ffn.size('moe_num_experts');
  const width = ffn.size('ffn_hidden_size');
  const kvHeads = c.child('attn_config', 'dbrx_attn').size('kv_n_heads');
  const self = fusedAttention(
    'norm_attn_norm.attn',
    hidden,
    equalHeads(c, heads, hidden, kvHeads),
    ['Wqkv', 'out_proj'],
    false,
  );
  const experts = ['w1', 'v1', 'w2'].flatMap((name) => parameter(`experts.mlp.${name}`, [count * width, hidden]));
  return gptLayout(c, {
    hidden,
    layers: c.size('n_layers', 'num_hidden_layers'),
    vocab,
    positions: c.limit('max_seq_len', 'max_position_embeddings'),
    at: 'blocks',
    className: 'DbrxBlock',
    outside: [...embedding('wte', vocab, hidden), ...norm('norm_f', hidden)],
    attention: self,
    mlp: {
      parts: under(
        'ffn',
        undefined,
        under('', 'router', linear('router.layer', hidden, count)),
        under('', 'expert', experts),
      ),
      shape: {
        intermediateSize: width,
        gated: true,
        moe: {
          experts: count,
          expertsPerToken: ffn.size('moe_top_k'),
          expertIntermediateSize: width,
          sharedIntermediateSize: 0,
        },
      },
    },
    norms: under('norm_attn_norm', undefined, norm('norm_1', hidden), norm('norm_2', hidden)),
  });
}

/** The larger GPTs after GPT-3, most without a table of positions (transformers 5.18.0, models/<type>/modeling_<type>.py). */
export const bloomLike: readonly Family[] = [
  decoderFamily({ types: ['bloom'], architecture: 'BloomForCausalLM', base: 'transformer', body: bloomBody }),
  decoderFamily({ types: ['falcon'], architecture: 'FalconForCausalLM', base: 'transformer', body: falconBody }),
  decoderFamily({ types: ['mpt'], architecture: 'MptForCausalLM', base: 'transformer', body: mptBody }),
  decoderFamily({ types: ['dbrx'], architecture: 'DbrxForCausalLM', base: 'transformer', body: dbrxBody }),
];
