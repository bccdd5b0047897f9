import type { ConfigReader } from '../config';
import { allBut, decoder, LLAMA_NORMS, qwenSliding } from '../decoder';
import { type Heads, headNorms } from '../dimensions';
import type { Family } from '../family';
import { norm, repeated, type Tensor } from '../parts';

/** Norm over all query heads at once (OLMo 2), not over each. */
const wideNorms = (_: ConfigReader, { heads, kvHeads, headDim }: Heads) => [
  ...norm('q_norm', heads * headDim),
  ...norm('k_norm', kvHeads * headDim),
];

const perHead = (_: ConfigReader, heads: Heads) => headNorms(heads.headDim);

const GEMMA2_NORMS = [
  'input_layernorm',
  'post_attention_layernorm',
  'pre_feedforward_layernorm',
  'post_feedforward_layernorm',
];
const POST_NORMS = ['post_attention_layernorm', 'post_feedforward_layernorm'];

/** transformers 5.18.0, models/<type>/modeling_<type>.py, `__init__` of the attention, MLP, layer and model classes. */
export const llamaLike: readonly Family[] = [
  decoder({
    types: ['llama'],
    name: 'Llama',
    qkvBias: 'attention_bias',
    outBias: 'attention_bias',
    mlpBias: 'mlp_bias',
  }),
  decoder({ types: ['mistral'], name: 'Mistral', sliding: () => true }),
  decoder({ types: ['ministral'], name: 'Ministral', sliding: () => true }),
  decoder({ types: ['ministral3'], name: 'Ministral3', sliding: () => true }),
  ...(
    [
      ['qwen2', 'Qwen2'],
      ['qwen2_vl_text', 'Qwen2VL'],
      ['qwen2_5_vl_text', 'Qwen2_5_VL'],
    ] as const
  ).map(([type, name]) => decoder({ types: [type], name, qkvBias: true, sliding: qwenSliding })),
  decoder({
    types: ['qwen3_vl_text'],
    name: 'Qwen3VL',
    layerClass: 'Qwen3VLTextDecoderLayer',
    qkvBias: 'attention_bias',
    outBias: 'attention_bias',
    qkNorm: perHead,
  }),
  decoder({
    types: ['qwen3'],
    name: 'Qwen3',
    qkvBias: 'attention_bias',
    outBias: 'attention_bias',
    qkNorm: perHead,
    sliding: qwenSliding,
  }),
  decoder({ types: ['gemma'], name: 'Gemma', qkvBias: 'attention_bias', outBias: 'attention_bias' }),
  decoder({
    types: ['gemma2'],
    name: 'Gemma2',
    qkvBias: 'attention_bias',
    outBias: 'attention_bias',
    norms: GEMMA2_NORMS,
    sliding: (_, layer) => layer % 2 === 0,
  }),
  decoder({
    types: ['gemma3_text'],
    name: 'Gemma3',
    qkvBias: 'attention_bias',
    outBias: 'attention_bias',
    norms: GEMMA2_NORMS,
    qkNorm: perHead,
    sliding: allBut(6),
  }),
  decoder({ types: ['phi3'], name: 'Phi3', mlp: 'fused', fusedQkv: 'qkv_proj', sliding: () => true }),
  decoder({
    types: ['stablelm'],
    name: 'StableLm',
    normKind: 'layer',
    qkvBias: 'use_qkv_bias',
    // A LayerNorm without bias for each head, in a list (StableLmLayerNormPerHead).
    qkNorm: (c, { heads, kvHeads, headDim }) =>
      c.flag('qk_layernorm')
        ? [
            ...repeated('q_layernorm.norms', heads, norm('', headDim)),
            ...repeated('k_layernorm.norms', kvHeads, norm('', headDim)),
          ]
        : [],
    norms: (c) => (c.flag('use_parallel_residual') ? ['input_layernorm'] : LLAMA_NORMS),
  }),
  decoder({
    types: ['olmo'],
    name: 'Olmo',
    normKind: 'none',
    qkvBias: 'attention_bias',
    outBias: 'attention_bias',
  }),
  ...(
    [
      ['olmo2', 'Olmo2'],
      ['olmo3', 'Olmo3'],
    ] as const
  ).map(([type, name]) =>
    decoder({
      types: [type],
      name,
      qkvBias: 'attention_bias',
      outBias: 'attention_bias',
      norms: POST_NORMS,
      qkNorm: wideNorms,
      sliding: allBut(4),
    }),
  ),
  decoder({
    types: ['granite'],
    name: 'Granite',
    qkvBias: 'attention_bias',
    outBias: 'attention_bias',
    mlpBias: 'mlp_bias',
  }),
  decoder({
    types: ['starcoder2'],
    name: 'Starcoder2',
    normKind: 'layer',
    qkvBias: 'use_bias',
    outBias: 'use_bias',
    mlpBias: 'use_bias',
    mlp: ['c_fc', 'c_proj'],
    sliding: () => true,
  }),
  decoder({
    types: ['smollm3'],
    name: 'SmolLM3',
    qkvBias: 'attention_bias',
    outBias: 'attention_bias',
    mlpBias: 'mlp_bias',
  }),
  decoder({
    types: ['seed_oss'],
    name: 'SeedOss',
    qkvBias: 'attention_bias',
    outBias: 'attention_out_bias',
    mlpBias: 'mlp_bias',
  }),
  decoder({ types: ['ernie4_5'], name: 'Ernie4_5', qkvBias: 'use_bias', outBias: 'use_bias', mlpBias: 'use_bias' }),
  decoder({
    types: ['hunyuan_v1_dense'],
    name: 'HunYuanDenseV1',
    qkvBias: 'attention_bias',
    outBias: 'attention_bias',
    qkNorm: (_, { headDim }) => [...norm('query_layernorm', headDim), ...norm('key_layernorm', headDim)],
  }),
  decoder({ types: ['glm'], name: 'Glm', mlp: 'fused', qkvBias: 'attention_bias' }),
  decoder({
    types: ['glm4'],
    name: 'Glm4',
    mlp: 'fused',
    qkvBias: 'attention_bias',
    norms: [...LLAMA_NORMS, 'post_self_attn_layernorm', 'post_mlp_layernorm'],
  }),
  decoder({
    types: ['glm4v_text'],
    name: 'Glm4v',
    layerClass: 'Glm4vTextDecoderLayer',
    mlp: 'fused',
    qkvBias: true,
    norms: [...LLAMA_NORMS, 'post_self_attn_layernorm', 'post_mlp_layernorm'],
  }),
  decoder({ types: ['exaone4'], name: 'Exaone4', norms: POST_NORMS, qkNorm: perHead, sliding: allBut(4) }),
  decoder({
    types: ['nemotron'],
    name: 'Nemotron',
    normKind: 'layer',
    qkvBias: 'attention_bias',
    outBias: 'attention_bias',
    mlp: ['up_proj', 'down_proj'],
    mlpBias: 'mlp_bias',
  }),
  ...(
    [
      ['cohere', 'Cohere'],
      ['cohere2', 'Cohere2'],
    ] as const
  ).map(([type, name]) =>
    decoder({
      types: [type],
      name,
      qkvBias: 'attention_bias',
      outBias: 'attention_bias',
      norms: ['input_layernorm'],
      // CohereLayerNorm has one weight for each head and no bias.
      qkNorm: (c, { heads, kvHeads, headDim }) => (c.flag('use_qk_norm') ? cohereNorms(heads, kvHeads, headDim) : []),
      sliding: type === 'cohere2' ? allBut(4) : () => false,
    }),
  ),
  decoder({
    types: ['phi'],
    name: 'Phi',
    normKind: 'layer',
    qkvBias: true,
    outBias: true,
    out: 'dense',
    mlp: ['fc1', 'fc2'],
    mlpBias: true,
    norms: ['input_layernorm'],
    finalNorm: 'final_layernorm',
    headBias: true,
    qkNorm: (c, { headDim }) =>
      c.flag('qk_layernorm') ? [...norm('q_layernorm', headDim, true), ...norm('k_layernorm', headDim, true)] : [],
  }),
];

function cohereNorms(heads: number, kvHeads: number, headDim: number): Tensor[] {
  const matrix = (name: string, rows: number): Tensor => ({
    name: `${name}.weight`,
    kind: 'norm',
    module: 'norm',
    shape: [rows, headDim],
    count: 1,
  });
  return [matrix('q_norm', heads), matrix('k_norm', kvHeads)];
}
