import type { ConfigReader } from '../config';
import { decoder } from '../decoder';
import { headNorms, readHeads, type Sublayer } from '../dimensions';
import { mixture } from '../experts';
import type { Family } from '../family';
import type { AttentionShape, MlpShape } from '../model';
import { linear, parameter, under } from '../parts';
import { compressedAttention, compression, hyperConnection, hyperHead } from './compressed-attention';
import { indexer, latentAttention, ownIndexer } from './latent-attention';

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
    kind: (c, layer) => (ownIndexer(c, layer) ? '' : 'shared'),
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
    kind: compressionWord,
    attention: compressedAttention,
    extra: (c, hidden) => [...hyperConnection(c, hidden, 'attn_hc'), ...hyperConnection(c, hidden, 'ffn_hc')],
    outside: hyperHead,
    moe: { at: () => true, layer: deepseekExperts },
  }),
];

/** In words of a block's kind; sliding layers are told by their window. */
function compressionWord(c: ConfigReader, layer: number): string {
  const kind = compression(c, layer);
  return kind === 'compressed_sparse_attention'
    ? 'indexed'
    : kind === 'heavily_compressed_attention'
      ? 'compressed'
      : '';
}

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
