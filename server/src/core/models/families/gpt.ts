import type { ConfigReader } from '../config';
import { attention, attentionShape, type Heads, headWidth, plainMlp, type Sublayer } from '../dimensions';
import { decoderFamily, type Family } from '../family';
import { type Layers, type Layout, stack } from '../layout';
import type { AttentionShape, MlpShape } from '../model';
import { embedding, layerNorm, linear, norm, parameter, type Tensor, under } from '../parts';

/** What the decoders before Llama have in common: LayerNorm, one matrix for query, key and value, a plain MLP. */
interface Gpt {
  readonly hidden: number;
  readonly layers: number;
  readonly vocab: number;
  readonly positions: number | undefined;
  /** Name of the list of layers, and class of a layer. */
  readonly at: string;
  readonly className: string;
  readonly outside: readonly Tensor[];
  readonly attention: Sublayer<AttentionShape>;
  readonly mlp: Sublayer<MlpShape>;
  readonly norms: readonly Tensor[];
  /** Layers that look back over a window only. */
  readonly windowAt?: (layer: number) => number | undefined;
}

function gptLayout(c: ConfigReader, gpt: Gpt): Layout {
  const layer = (window: number | undefined): Omit<Layers, 'count'> => ({
    className: gpt.className,
    tower: 'text',
    parts: [...gpt.attention.parts, ...gpt.mlp.parts, ...gpt.norms],
    attention: window === undefined ? gpt.attention.shape : { ...gpt.attention.shape, window },
    mlp: gpt.mlp.shape,
  });
  const windowAt = gpt.windowAt ?? (() => undefined);
  return {
    hiddenSize: gpt.hidden,
    layers: gpt.layers,
    vocabSize: gpt.vocab,
    tied: c.flag('tie_word_embeddings'),
    maxPositions: gpt.positions,
    parts: gpt.outside,
    stacks: [
      stack(
        gpt.at,
        gpt.layers,
        (index) => String(windowAt(index)),
        (index) => layer(windowAt(index)),
      ),
    ],
  };
}

/** Query, key and value in one matrix, then the output projection. */
function fusedAttention(
  at: string,
  hidden: number,
  heads: Heads,
  names: readonly [string, string],
  bias: boolean,
): Sublayer<AttentionShape> {
  const width = (heads.heads + 2 * heads.kvHeads) * heads.headDim;
  return {
    parts: under(
      at,
      'attention',
      linear(names[0], hidden, width, bias),
      linear(names[1], heads.heads * heads.headDim, hidden, bias),
    ),
    shape: attentionShape(heads),
  };
}

/** transformers' Conv1D keeps its weight as [inputs, outputs]; it is a linear layer all the same. */
function transposed(parts: readonly Tensor[]): Tensor[] {
  return parts.map((part) => (part.shape.length === 2 ? { ...part, shape: [...part.shape].reverse() } : part));
}

function equalHeads(c: ConfigReader, heads: number, hidden: number, kvHeads = heads): Heads {
  return { heads, kvHeads, headDim: headWidth(c, hidden, heads) };
}

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
  decoderFamily({ types: ['bloom'], architecture: 'BloomForCausalLM', base: 'transformer', body: bloomBody }),
  decoderFamily({ types: ['falcon'], architecture: 'FalconForCausalLM', base: 'transformer', body: falconBody }),
  decoderFamily({ types: ['mpt'], architecture: 'MptForCausalLM', base: 'transformer', body: mptBody }),
  decoderFamily({ types: ['dbrx'], architecture: 'DbrxForCausalLM', base: 'transformer', body: dbrxBody }),
];
