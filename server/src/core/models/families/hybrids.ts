import type { ConfigReader } from '../config';
import { decoder } from '../decoder';
import { attention, gatedMlp, headNorms, readHeads, type Sublayer } from '../dimensions';
import { decoderFamily, type Family } from '../family';
import type { Layers, Layout } from '../layout';
import type { AttentionShape } from '../model';
import { conv, linear, norm, parameter, type Tensor, under } from '../parts';
import { bodyOf, jambaLayer, jambaSparse, mambaBody } from './mamba';
import { qwenShared, qwenSparse } from './moe';
import { nemotronBody } from './nemotron-h';

type Mixer = Sublayer<AttentionShape | undefined>;

/** Gated delta nets and full attention in turn (Qwen3-Next, Qwen3.5). */
function isLinear(c: ConfigReader, layer: number): boolean {
  const types = c.texts('layer_types');
  if (types) return types[layer] === 'linear_attention';
  return (layer + 1) % (c.optional('full_attention_interval') ?? 4) !== 0;
}

/** Qwen3NextGatedDeltaNet (modeling_qwen3_next.py); Qwen3.5 keeps the four input projections apart. */
function deltaNet(c: ConfigReader, hidden: number, fused: boolean): Mixer {
  const keyHeads = c.size('linear_num_key_heads');
  const valueHeads = c.size('linear_num_value_heads');
  const keyDim = c.size('linear_key_head_dim');
  const valueDim = c.size('linear_value_head_dim');
  const keys = keyHeads * keyDim;
  const values = valueHeads * valueDim;
  const inputs = fused
    ? [...linear('in_proj_qkvz', hidden, 2 * keys + 2 * values), ...linear('in_proj_ba', hidden, 2 * valueHeads)]
    : [
        ...linear('in_proj_qkv', hidden, 2 * keys + values),
        ...linear('in_proj_z', hidden, values),
        ...linear('in_proj_b', hidden, valueHeads),
        ...linear('in_proj_a', hidden, valueHeads),
      ];
  return {
    parts: under(
      'linear_attn',
      'attention',
      parameter('dt_bias', [valueHeads]),
      parameter('A_log', [valueHeads]),
      conv('conv1d', [2 * keys + values, 1, c.size('linear_conv_kernel_dim')], false),
      inputs,
      norm('norm', valueDim),
      linear('out_proj', values, hidden),
    ),
    shape: {
      heads: valueHeads,
      kvHeads: keyHeads,
      headDim: keyDim,
      valueHeadDim: valueDim,
      kind: 'linear',
      qkNorm: false,
    },
  };
}

/** Queries come with a gate of the same width, so their projection is twice as wide. */
function gatedAttention(c: ConfigReader, hidden: number): Sublayer<AttentionShape> {
  const { heads, kvHeads, headDim } = readHeads(c, hidden);
  const bias = c.flag('attention_bias');
  const self = attention(
    hidden,
    { heads, kvHeads, headDim },
    { qkvBias: bias, outBias: bias, qkNorm: headNorms(headDim) },
  );
  const parts = self.parts.map((part) =>
    part.name.startsWith('self_attn.q_proj.')
      ? { ...part, shape: [2 * heads * headDim, ...part.shape.slice(1)] }
      : part,
  );
  return { ...self, parts };
}

function qwenMixer(fused: boolean) {
  return (c: ConfigReader, hidden: number, layer: number): Mixer =>
    isLinear(c, layer) ? deltaNet(c, hidden, fused) : gatedAttention(c, hidden);
}

/** Short convolutions and attention (Lfm2DecoderLayer, modeling_lfm2.py:119, 324). */
function lfm2Layer(c: ConfigReader, hidden: number, isAttention: boolean): Omit<Layers, 'count'> {
  const heads = readHeads(c, hidden);
  const self = attention(hidden, heads, {
    names: ['q_proj', 'k_proj', 'v_proj', 'out_proj'],
    qkNorm: [...norm('q_layernorm', heads.headDim), ...norm('k_layernorm', heads.headDim)],
  });
  const bias = c.flag('conv_bias');
  const short = under(
    'conv',
    'attention',
    conv('conv', [hidden, 1, c.size('conv_L_cache')], bias),
    linear('in_proj', hidden, 3 * hidden, bias),
    linear('out_proj', hidden, hidden, bias),
  );
  const width = lfm2Width(c);
  const mlp = under(
    'feed_forward',
    'mlp',
    linear('w1', hidden, width),
    linear('w3', hidden, width),
    linear('w2', width, hidden),
  );
  return {
    className: 'Lfm2DecoderLayer',
    tower: 'text',
    parts: [
      ...(isAttention ? self.parts : short),
      ...mlp,
      ...norm('operator_norm', hidden),
      ...norm('ffn_norm', hidden),
    ],
    ...(isAttention && { attention: self.shape }),
    mlp: { intermediateSize: width, gated: true },
  };
}

function lfm2Width(c: ConfigReader): number {
  const width = c.size('block_ff_dim', 'intermediate_size');
  if (!c.flag('block_auto_adjust_ff_dim')) return width;
  const adjusted = Math.floor((2 * width) / 3);
  const factor = c.value('block_ffn_dim_multiplier');
  if (typeof factor !== 'number') return adjusted;
  const multiple = c.size('block_multiple_of');
  return multiple * Math.ceil(Math.floor(factor * adjusted) / multiple);
}

function lfm2Body(c: ConfigReader): Layout {
  const hidden = c.size('hidden_size');
  const types = c.texts('layer_types');
  const full = c.numbers('full_attn_idxs');
  const isAttention = (layer: number) => (types ? types[layer] === 'full_attention' : (full?.includes(layer) ?? true));
  const layout = bodyOf(c, {
    embeddings: 'embed_tokens',
    finalNorm: 'embedding_norm',
    layers: c.size('num_hidden_layers'),
    kindOf: (layer) => String(isAttention(layer)),
    layer: (layer) => lfm2Layer(c, hidden, isAttention(layer)),
  });
  return { ...layout, tied: c.flag('tie_embedding', 'tie_word_embeddings') };
}

/** RecurrentGemmaDecoderLayer: an RG-LRU or local attention, then an MLP of half `intermediate_size`. */
function recurrentGemmaLayer(c: ConfigReader, hidden: number, isAttention: boolean): Omit<Layers, 'count'> {
  const heads = c.size('num_attention_heads');
  const headDim = Math.floor(hidden / heads);
  const window = c.limit('attention_window_size');
  const self = attention(
    hidden,
    { heads, kvHeads: c.optional('num_key_value_heads') ?? heads, headDim },
    { at: 'temporal_block', qkvBias: c.flag('attention_bias'), outBias: true, window },
  );
  const width = Math.floor(c.size('intermediate_size') / 2);
  const mlp = gatedMlp(hidden, width, true, 'mlp_block');
  return {
    className: 'RecurrentGemmaDecoderLayer',
    tower: 'text',
    parts: [
      ...norm('temporal_pre_norm', hidden),
      ...(isAttention ? self.parts : recurrentBlock(c, hidden, heads)),
      ...norm('channel_pre_norm', hidden),
      ...mlp.parts,
    ],
    ...(isAttention && { attention: self.shape }),
    mlp: mlp.shape,
  };
}

function recurrentBlock(c: ConfigReader, hidden: number, heads: number): Tensor[] {
  const width = c.optional('lru_width') ?? hidden;
  const block = Math.floor(width / heads);
  return under(
    'temporal_block',
    'attention',
    linear('linear_y', hidden, width, true),
    linear('linear_x', hidden, width, true),
    linear('linear_out', width, hidden, true),
    conv('conv_1d', [width, 1, c.size('conv1d_width')]),
    under(
      'rg_lru',
      undefined,
      parameter('recurrent_param', [width]),
      parameter('input_gate_weight', [heads, block, block]),
      parameter('input_gate_bias', [heads, block]),
      parameter('recurrent_gate_weight', [heads, block, block]),
      parameter('recurrent_gate_bias', [heads, block]),
    ),
  );
}

function recurrentGemmaBody(c: ConfigReader): Layout {
  const hidden = c.size('hidden_size');
  const types = c.texts('block_types', '_block_types') ?? ['recurrent', 'recurrent', 'attention'];
  const isAttention = (layer: number) => types[layer % types.length] === 'attention';
  return bodyOf(c, {
    embeddings: 'embed_tokens',
    finalNorm: 'final_norm',
    layers: c.size('num_hidden_layers'),
    kindOf: (layer) => String(isAttention(layer)),
    layer: (layer) => recurrentGemmaLayer(c, hidden, isAttention(layer)),
  });
}

/** transformers 5.18.0, models/<type>/modeling_<type>.py. */
export const hybrids: readonly Family[] = [
  decoder({
    types: ['qwen3_next'],
    name: 'Qwen3Next',
    kindOf: (c, layer) => String(isLinear(c, layer)),
    attention: qwenMixer(true),
    moe: { at: qwenSparse, layer: qwenShared },
  }),
  decoder({
    types: ['qwen3_5_text'],
    name: 'Qwen3_5',
    kindOf: (c, layer) => String(isLinear(c, layer)),
    attention: qwenMixer(false),
  }),
  decoder({
    types: ['qwen3_5_moe_text'],
    name: 'Qwen3_5Moe',
    kindOf: (c, layer) => String(isLinear(c, layer)),
    attention: qwenMixer(false),
    moe: { at: () => true, layer: qwenShared },
  }),
  decoderFamily({ types: ['mamba'], architecture: 'MambaForCausalLM', base: 'backbone', body: mambaBody }),
  decoderFamily({
    types: ['jamba'],
    architecture: 'JambaForCausalLM',
    body: (c) =>
      bodyOf(c, {
        embeddings: 'embed_tokens',
        finalNorm: 'final_layernorm',
        layers: c.size('num_hidden_layers'),
        kindOf: (layer) =>
          `${layer % c.size('attn_layer_period') === c.amount('attn_layer_offset')} ${jambaSparse(c, layer)}`,
        layer: (layer) => jambaLayer(c, layer),
      }),
  }),
  decoderFamily({ types: ['nemotron_h'], architecture: 'NemotronHForCausalLM', body: nemotronBody }),
  decoderFamily({ types: ['lfm2'], architecture: 'Lfm2ForCausalLM', body: lfm2Body }),
  decoderFamily({ types: ['recurrent_gemma'], architecture: 'RecurrentGemmaForCausalLM', body: recurrentGemmaBody }),
];
