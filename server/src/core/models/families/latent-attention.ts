import type { ConfigReader } from '../config';
import type { Sublayer } from '../dimensions';
import type { AttentionShape } from '../model';
import { layerNorm, linear, norm, type Tensor, under } from '../parts';

/** Multi-head latent attention (DeepseekV3Attention, transformers 5.18.0 modeling_deepseek_v3.py:372). */
export function latentAttention(
  c: ConfigReader,
  hidden: number,
  extra: readonly Tensor[] = [],
): Sublayer<AttentionShape> {
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
export function indexer(c: ConfigReader, hidden: number): Tensor[] {
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
export function ownIndexer(c: ConfigReader, layer: number): boolean {
  const types = c.texts('indexer_types');
  if (types) return types[layer] !== 'shared';
  const pattern = c.value('index_topk_pattern');
  if (typeof pattern === 'string') return pattern[layer] !== 'S';
  if (Array.isArray(pattern)) return pattern[layer] !== 'shared';
  const frequency = Math.max(c.optional('index_topk_freq') ?? 1, 1);
  const offset = c.optional('index_skip_topk_offset') ?? 2;
  return Math.max(layer - offset + 1, 0) % frequency === 0;
}
