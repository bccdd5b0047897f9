import type { ConfigReader } from '../config';
import { decoder } from '../decoder';
import { headNorms, readHeads, type Sublayer } from '../dimensions';
import { mixture } from '../experts';
import type { Family } from '../family';
import type { AttentionShape, MlpShape } from '../model';
import { layerNorm, linear, norm, parameter, type Tensor, under } from '../parts';

/** Multi-head latent attention (DeepseekV3Attention, transformers 5.18.0 modeling_deepseek_v3.py:372). */
function latentAttention(c: ConfigReader, hidden: number, extra: readonly Tensor[] = []): Sublayer<AttentionShape> {
  const heads = c.size('num_attention_heads');
  const nope = c.size('qk_nope_head_dim');
  const rope = c.size('qk_rope_head_dim');
  const value = c.size('v_head_dim');
  const kvRank = c.size('kv_lora_rank');
  const qRank = c.optional('q_lora_rank');
  const bias = c.flag('attention_bias');
  const queries =
    qRank === undefined
      ? linear('q_proj', hidden, heads * (nope + rope))
      : [
          ...linear('q_a_proj', hidden, qRank, bias),
          ...norm('q_a_layernorm', qRank),
          ...linear('q_b_proj', qRank, heads * (nope + rope)),
        ];
  return {
    parts: under(
      'self_attn',
      'attention',
      queries,
      linear('kv_a_proj_with_mqa', hidden, kvRank + rope, bias),
      norm('kv_a_layernorm', kvRank),
      linear('kv_b_proj', kvRank, heads * (nope + value)),
      linear('o_proj', heads * value, hidden, bias),
      [...extra],
    ),
    shape: { heads, kvHeads: heads, headDim: nope + rope, valueHeadDim: value, kind: 'mla', qkNorm: false },
  };
}

/** The lightning indexer of sparse attention (DeepseekV32Indexer, modeling_deepseek_v32.py:183). */
function indexer(c: ConfigReader, hidden: number): Tensor[] {
  const heads = c.size('index_n_heads');
  const width = c.size('index_head_dim');
  return under(
    'indexer',
    undefined,
    linear('wq_b', c.size('q_lora_rank'), heads * width),
    linear('wk', hidden, width),
    layerNorm('k_norm', width),
    linear('weights_proj', hidden, heads),
  );
}

/** GLM's later layers may share the index of an earlier one (configuration_glm_moe_dsa.py:137). */
function ownIndexer(c: ConfigReader, layer: number): boolean {
  const types = c.texts('indexer_types');
  if (types) return types[layer] !== 'shared';
  const pattern = c.value('index_topk_pattern');
  if (typeof pattern === 'string') return pattern[layer] !== 'S';
  if (Array.isArray(pattern)) return pattern[layer] !== 'shared';
  const frequency = Math.max(c.optional('index_topk_freq') ?? 1, 1);
  const offset = c.optional('index_skip_topk_offset') ?? 2;
  return Math.max(layer - offset + 1, 0) % frequency === 0;
}

/** The first layers are dense: `mlp_layer_types`, or `first_k_dense_replace` of them. */
function afterDense(c: ConfigReader, layer: number): boolean {
  const types = c.texts('mlp_layer_types');
  return types ? types[layer] === 'sparse' : layer >= (c.optional('first_k_dense_replace') ?? 0);
}

/** Routed experts, and shared ones in one MLP of their common width. */
function deepseekExperts(c: ConfigReader, hidden: number): Sublayer<MlpShape> {
  const width = c.size('moe_intermediate_size');
  return mixture(hidden, {
    count: c.size('n_routed_experts', 'num_experts', 'num_local_experts'),
    perToken: c.size('num_experts_per_tok'),
    width,
    sharedWidth: (c.optional('n_shared_experts') ?? 0) * width,
  });
}

const deepseekMoe = { at: afterDense, layer: deepseekExperts };
const oneDense = {
  at: (c: ConfigReader, layer: number) => (c.texts('mlp_layer_types') ? afterDense(c, layer) : layer >= 1),
  layer: deepseekExperts,
};

/** transformers 5.18.0, models/<type>/modeling_<type>.py. */
export const latent: readonly Family[] = [
  decoder({
    types: ['deepseek_v2'],
    name: 'DeepseekV2',
    mlpBias: 'mlp_bias',
    attention: (c, hidden) => latentAttention(c, hidden),
    moe: deepseekMoe,
  }),
  decoder({
    types: ['deepseek_v3', 'kimi_k2'],
    name: 'DeepseekV3',
    attention: (c, hidden) => latentAttention(c, hidden),
    moe: deepseekMoe,
  }),
  decoder({
    types: ['deepseek_v32'],
    name: 'DeepseekV32',
    attention: (c, hidden) => latentAttention(c, hidden, indexer(c, hidden)),
    moe: deepseekMoe,
  }),
  decoder({
    types: ['glm_moe_dsa'],
    name: 'GlmMoeDsa',
    kindOf: (c, layer) => String(ownIndexer(c, layer)),
    attention: (c, hidden, layer) => latentAttention(c, hidden, ownIndexer(c, layer) ? indexer(c, hidden) : []),
    moe: deepseekMoe,
  }),
  decoder({
    types: ['glm4_moe_lite'],
    name: 'Glm4MoeLite',
    attention: (c, hidden) => latentAttention(c, hidden),
    moe: oneDense,
  }),
  decoder({
    types: ['glm4_moe'],
    name: 'Glm4Moe',
    qkvBias: 'attention_bias',
    qkNorm: (c, { headDim }) => (c.flag('use_qk_norm') ? headNorms(headDim) : []),
    moe: deepseekMoe,
  }),
  decoder({
    types: ['mimo_v2_flash'],
    name: 'MiMoV2Flash',
    attention: mimoAttention,
    sliding: mimoSlides,
    moe: oneDense,
  }),
  decoder({
    types: ['deepseek_v4'],
    name: 'DeepseekV4',
    kindOf: (c, layer) => compression(c, layer),
    attention: compressedAttention,
    extra: (c, hidden) => [...hyperConnection(c, hidden, 'attn_hc'), ...hyperConnection(c, hidden, 'ffn_hc')],
    outside: hyperHead,
    moe: { at: () => true, layer: deepseekExperts },
  }),
];

/** Full attention in the first and every sixth layer (configuration_mimo_v2_flash.py:113). */
function mimoSlides(_: ConfigReader, layer: number): boolean {
  return layer !== 0 && (layer + 1) % 6 !== 0;
}

/** Sliding layers have twice the key heads and a sink for each head (modeling_mimo_v2_flash.py:350). */
function mimoAttention(
  c: ConfigReader,
  hidden: number,
  _: number,
  window: number | undefined,
): Sublayer<AttentionShape> {
  const { heads, kvHeads: base, headDim } = readHeads(c, hidden);
  const value = c.size('v_head_dim');
  const kvHeads = window === undefined ? base : 2 * base;
  const bias = c.flag('attention_bias');
  return {
    parts: under(
      'self_attn',
      'attention',
      linear('q_proj', hidden, heads * headDim, bias),
      linear('k_proj', hidden, kvHeads * headDim, bias),
      linear('v_proj', hidden, kvHeads * value, bias),
      linear('o_proj', heads * value, hidden),
      window === undefined ? [] : parameter('sinks', [heads]),
    ),
    shape: {
      heads,
      kvHeads,
      headDim,
      valueHeadDim: value,
      kind: 'standard',
      qkNorm: false,
      ...(window !== undefined && { window }),
    },
  };
}

const COMPRESSION: Readonly<Record<number, string>> = {
  0: 'sliding_attention',
  4: 'compressed_sparse_attention',
  128: 'heavily_compressed_attention',
};

/** configuration_deepseek_v4.py:266: explicit types, else the older ratios, else a fixed interleave. */
function compression(c: ConfigReader, layer: number): string {
  const types = c.texts('layer_types');
  if (types) return types[layer] ?? '';
  const ratio = c.numbers('compress_ratios')?.[layer];
  if (ratio !== undefined) return COMPRESSION[ratio] ?? '';
  const name = layer < 2 || layer % 2 === 0 ? 'heavily_compressed_attention' : 'compressed_sparse_attention';
  return name;
}

function compressionRate(c: ConfigReader, kind: string): number {
  const rates = c.child('compress_rates', '');
  if (kind === 'compressed_sparse_attention') {
    return c.optional('compress_rate_csa') ?? rates.optional('compressed_sparse_attention') ?? 4;
  }
  return c.optional('compress_rate_hca') ?? rates.optional('heavily_compressed_attention') ?? 128;
}

/** DeepseekV4Attention (modeling_deepseek_v4.py:758): one shared key head, and a compressor in all but the sliding layers. */
function compressedAttention(c: ConfigReader, hidden: number, layer: number): Sublayer<AttentionShape> {
  const heads = c.size('num_attention_heads');
  const headDim = c.size('head_dim');
  const qRank = c.size('q_lora_rank');
  const groups = c.size('o_groups');
  const outRank = groups * c.size('o_lora_rank');
  const kind = compression(c, layer);
  const window = c.limit('sliding_window');
  return {
    parts: under(
      'self_attn',
      'attention',
      parameter('sinks', [heads]),
      linear('q_a_proj', hidden, qRank),
      norm('q_a_norm', qRank),
      linear('q_b_proj', qRank, heads * headDim),
      linear('kv_proj', hidden, headDim),
      norm('kv_norm', headDim),
      linear('o_a_proj', (heads * headDim) / groups, outRank),
      linear('o_b_proj', outRank, hidden),
      compressor(c, hidden, kind, headDim),
    ),
    shape: {
      heads,
      kvHeads: 1,
      headDim,
      valueHeadDim: headDim,
      kind: 'standard',
      qkNorm: true,
      ...(kind === 'sliding_attention' && window !== undefined && { window }),
    },
  };
}

function compressor(c: ConfigReader, hidden: number, kind: string, headDim: number): Tensor[] {
  if (kind === 'sliding_attention') return [];
  const rate = compressionRate(c, kind);
  const sparse = kind === 'compressed_sparse_attention';
  const wide = (width: number) => [
    ...parameter('position_bias', [rate, width]),
    ...linear('kv_proj', hidden, width),
    ...linear('gate_proj', hidden, width),
  ];
  const index = c.size('index_head_dim');
  const indexHeads = c.size('index_n_heads');
  return under(
    'compressor',
    undefined,
    wide(sparse ? 2 * headDim : headDim),
    norm('kv_norm', headDim),
    sparse
      ? under(
          'indexer',
          undefined,
          wide(2 * index),
          norm('kv_norm', index),
          linear('q_b_proj', c.size('q_lora_rank'), indexHeads * index),
          linear('scorer.weights_proj', hidden, indexHeads),
        )
      : [],
  );
}

/** Hyper-connections mix `hc_mult` residual streams (DeepseekV4HyperConnection, modeling_deepseek_v4.py:937). */
function hyperConnection(c: ConfigReader, hidden: number, name: string): Tensor[] {
  const streams = c.size('hc_mult');
  const rows = (2 + streams) * streams;
  return under(
    name,
    'other',
    parameter('fn', [rows, streams * hidden]),
    parameter('base', [rows]),
    parameter('scale', [3]),
  );
}

function hyperHead(c: ConfigReader, hidden: number): Tensor[] {
  const streams = c.size('hc_mult');
  return under(
    'hc_head',
    'other',
    parameter('hc_fn', [streams, streams * hidden]),
    parameter('hc_base', [streams]),
    parameter('hc_scale', [1]),
  );
}
