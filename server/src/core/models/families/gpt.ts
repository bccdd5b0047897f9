import type { ConfigReader } from '../config';
import { attention, plainMlp } from '../dimensions';
import { decoderFamily, type Family } from '../family';
import type { Layout } from '../layout';
import { embedding, layerNorm, linear, under } from '../parts';
import { equalHeads, fusedAttention, gptLayout, transposed } from './gpt-layout';

/** GPT-2 and GPT-BigCode (transformers 5.18.0, modeling_gpt2.py, modeling_gpt_bigcode.py). */
function gpt2Body(c: ConfigReader, className: string): Layout {
  const hidden = c.size('n_embd', 'hidden_size');
  const vocab = c.size('vocab_size');
  const positions = c.size('n_positions', 'max_position_embeddings');
  const bigCode = className === 'GPTBigCodeBlock';
  const heads = c.size('n_head', 'num_attention_heads');
  const shape = equalHeads(c, heads, hidden, bigCode && c.flag('multi_query') ? 1 : heads);
  if (c.flag('add_cross_attention')) c.problem('add_cross_attention is set, which Shardlens cannot count');
  const self = fusedAttention('attn', hidden, shape, ['c_attn', 'c_proj'], true);
  const mlp = plainMlp(hidden, c.optional('n_inner') ?? 4 * hidden, ['c_fc', 'c_proj'], true);
  return gptLayout(c, {
    hidden,
    layers: c.size('n_layer', 'num_hidden_layers'),
    vocab,
    positions,
    at: 'h',
    className,
    outside: [...embedding('wte', vocab, hidden), ...embedding('wpe', positions, hidden), ...layerNorm('ln_f', hidden)],
    attention: bigCode ? self : { ...self, parts: transposed(self.parts) },
    mlp: bigCode ? mlp : { ...mlp, parts: transposed(mlp.parts) },
    norms: [...layerNorm('ln_1', hidden), ...layerNorm('ln_2', hidden)],
  });
}

function gptJBody(c: ConfigReader): Layout {
  const hidden = c.size('n_embd', 'hidden_size');
  const vocab = c.size('vocab_size');
  const heads = equalHeads(c, c.size('n_head', 'num_attention_heads'), hidden);
  return gptLayout(c, {
    hidden,
    layers: c.size('n_layer', 'num_hidden_layers'),
    vocab,
    positions: c.limit('n_positions', 'max_position_embeddings'),
    at: 'h',
    className: 'GPTJBlock',
    outside: [...embedding('wte', vocab, hidden), ...layerNorm('ln_f', hidden)],
    attention: attention(hidden, heads, { at: 'attn', names: ['q_proj', 'k_proj', 'v_proj', 'out_proj'] }),
    mlp: plainMlp(hidden, c.optional('n_inner') ?? 4 * hidden, ['fc_in', 'fc_out'], true),
    norms: layerNorm('ln_1', hidden),
  });
}

function gptNeoBody(c: ConfigReader): Layout {
  const hidden = c.size('hidden_size');
  const vocab = c.size('vocab_size');
  const positions = c.size('max_position_embeddings');
  const kinds = neoAttention(c.value('attention_types'));
  const layers = c.size('num_layers', 'num_hidden_layers');
  if (kinds.length !== layers) c.problem(`attention_types names ${kinds.length} layers, but num_layers is ${layers}`);
  return gptLayout(c, {
    hidden,
    layers,
    vocab,
    positions,
    at: 'h',
    className: 'GPTNeoBlock',
    outside: [...embedding('wte', vocab, hidden), ...embedding('wpe', positions, hidden), ...layerNorm('ln_f', hidden)],
    attention: attention(hidden, equalHeads(c, c.size('num_heads', 'num_attention_heads'), hidden), {
      at: 'attn.attention',
      names: ['q_proj', 'k_proj', 'v_proj', 'out_proj'],
      outBias: true,
    }),
    mlp: plainMlp(hidden, c.optional('intermediate_size') ?? 4 * hidden, ['c_fc', 'c_proj'], true),
    norms: [...layerNorm('ln_1', hidden), ...layerNorm('ln_2', hidden)],
    windowAt: (layer) => (kinds[layer] === 'local' ? c.limit('window_size') : undefined),
  });
}

/** `[[["global", "local"], 12]]` is twelve times global, local. */
function neoAttention(types: unknown): readonly string[] {
  if (!Array.isArray(types)) return Array.from({ length: 24 }, (_, layer) => (layer % 2 === 0 ? 'global' : 'local'));
  const kinds: string[] = [];
  for (const item of types) {
    if (!Array.isArray(item) || !Array.isArray(item[0]) || typeof item[1] !== 'number') return [];
    for (let turn = 0; turn < Math.min(item[1], 1024); turn++) kinds.push(...item[0].map(String));
  }
  return kinds;
}

function gptNeoXBody(c: ConfigReader): Layout {
  const hidden = c.size('hidden_size');
  const vocab = c.size('vocab_size');
  const heads = equalHeads(c, c.size('num_attention_heads'), hidden);
  return gptLayout(c, {
    hidden,
    layers: c.size('num_hidden_layers'),
    vocab,
    positions: c.limit('max_position_embeddings'),
    at: 'layers',
    className: 'GPTNeoXLayer',
    outside: [...embedding('embed_in', vocab, hidden), ...layerNorm('final_layer_norm', hidden)],
    attention: fusedAttention('attention', hidden, heads, ['query_key_value', 'dense'], c.flag('attention_bias')),
    mlp: plainMlp(hidden, c.size('intermediate_size'), ['dense_h_to_4h', 'dense_4h_to_h'], true),
    norms: [...layerNorm('input_layernorm', hidden), ...layerNorm('post_attention_layernorm', hidden)],
  });
}

/** OPTDecoder (modeling_opt.py:289): embeddings may be narrower than the layers, with a projection in and out. */
function optBody(c: ConfigReader): Layout {
  const hidden = c.size('hidden_size');
  const vocab = c.size('vocab_size');
  const positions = c.size('max_position_embeddings');
  const width = c.optional('word_embed_proj_dim') ?? hidden;
  const bias = c.flag('enable_bias');
  const affine = c.flag('layer_norm_elementwise_affine');
  const norms = (name: string) => (affine ? layerNorm(name, hidden) : []);
  const before = c.flag('do_layer_norm_before') && !c.flag('_remove_final_layer_norm');
  const layout = gptLayout(c, {
    hidden: width,
    layers: c.size('num_hidden_layers'),
    vocab,
    positions,
    at: 'decoder.layers',
    className: 'OPTDecoderLayer',
    outside: under(
      'decoder',
      undefined,
      embedding('embed_tokens', vocab, width),
      // OPTLearnedPositionalEmbedding has two rows more.
      embedding('embed_positions', positions + 2, hidden),
      width === hidden ? [] : [...linear('project_in', width, hidden), ...linear('project_out', hidden, width)],
      before ? norms('final_layer_norm') : [],
    ),
    attention: attention(hidden, equalHeads(c, c.size('num_attention_heads'), hidden), {
      names: ['q_proj', 'k_proj', 'v_proj', 'out_proj'],
      qkvBias: bias,
      outBias: bias,
    }),
    mlp: plainMlp(hidden, c.size('ffn_dim'), ['fc1', 'fc2'], bias, ''),
    norms: [...norms('self_attn_layer_norm'), ...norms('final_layer_norm')],
  });
  return layout;
}

/** transformers 5.18.0, models/<type>/modeling_<type>.py. */
export const gptLike: readonly Family[] = [
  decoderFamily({
    types: ['gpt2'],
    architecture: 'GPT2LMHeadModel',
    base: 'transformer',
    body: (c) => gpt2Body(c, 'GPT2Block'),
  }),
  decoderFamily({
    types: ['gpt_bigcode'],
    architecture: 'GPTBigCodeForCausalLM',
    base: 'transformer',
    body: (c) => gpt2Body(c, 'GPTBigCodeBlock'),
  }),
  decoderFamily({
    types: ['gptj'],
    architecture: 'GPTJForCausalLM',
    base: 'transformer',
    body: gptJBody,
    headBias: true,
  }),
  decoderFamily({ types: ['gpt_neo'], architecture: 'GPTNeoForCausalLM', base: 'transformer', body: gptNeoBody }),
  decoderFamily({ types: ['gpt_neox'], architecture: 'GPTNeoXForCausalLM', base: 'gpt_neox', body: gptNeoXBody }),
  decoderFamily({ types: ['opt'], architecture: 'OPTForCausalLM', body: optBody }),
];
