import type { ConfigReader } from '../config';
import { attention, fusedGatedMlp, gatedMlp, type Heads, headNorms, plainMlp, readHeads } from '../dimensions';
import { decoderFamily, type Family } from '../family';
import { type Layers, type Layout, stack } from '../layout';
import type { MlpShape } from '../model';
import { embedding, norm, repeated, type Tensor } from '../parts';

/** A bias that is always there or never, or that a config field switches. */
export type Bias = boolean | string;

/** Dense decoders that differ from Llama only in a few places; what is not said is as in Llama. */
export interface Decoder {
  readonly types: readonly string[];
  /** Start of the class names: `Llama` gives LlamaDecoderLayer and LlamaForCausalLM. */
  readonly name: string;
  readonly qkvBias?: Bias;
  readonly outBias?: Bias;
  readonly mlpBias?: Bias;
  /** `gated`: gate, up, down. `fused`: gate and up in one. A pair: two matrices of these names. */
  readonly mlp?: 'gated' | 'fused' | readonly [string, string];
  /** Norms of a layer. */
  readonly norms?: readonly string[] | ((c: ConfigReader) => readonly string[]);
  readonly finalNorm?: string;
  /** RMSNorm has no bias, LayerNorm has one, OLMo's norm has nothing at all. */
  readonly normKind?: 'rms' | 'layer' | 'none';
  readonly qkNorm?: (c: ConfigReader, heads: Heads) => Tensor[];
  readonly out?: string;
  /** Query, key and value in one matrix of this name. */
  readonly fusedQkv?: string;
  readonly headBias?: boolean;
  /** Which layers look back over a window only; overridden by the config's `layer_types`. */
  readonly sliding?: (c: ConfigReader, layer: number) => boolean;
}

export function dense(decoder: Decoder): Family {
  return decoderFamily({
    types: decoder.types,
    architecture: `${decoder.name}ForCausalLM`,
    body: (c) => denseBody(c, decoder),
    ...(decoder.headBias !== undefined && { headBias: decoder.headBias }),
  });
}

export function denseBody(c: ConfigReader, decoder: Decoder): Layout {
  const hidden = c.size('hidden_size');
  const layers = c.size('num_hidden_layers');
  const heads = readHeads(c, hidden);
  const window = c.optional('sliding_window');
  return decoderBody(c, {
    hidden,
    finalNorm: normOf(decoder, decoder.finalNorm ?? 'norm', hidden),
    stack: stack(
      'layers',
      layers,
      (index) => String(slides(c, decoder, index)),
      (index) => denseLayer(c, decoder, hidden, heads, slides(c, decoder, index) ? window : undefined),
    ),
  });
}

/** Embedding, layers and last norm under the names of Llama. */
export function decoderBody(
  c: ConfigReader,
  parts: { readonly hidden: number; readonly finalNorm: Tensor[]; readonly stack: Layout['stacks'][number] },
): Layout {
  const vocab = c.size('vocab_size');
  return {
    hiddenSize: parts.hidden,
    layers: parts.stack.layers.reduce((sum, kind) => sum + kind.count, 0),
    vocabSize: vocab,
    tied: c.flag('tie_word_embeddings'),
    maxPositions: c.optional('max_position_embeddings'),
    parts: [...embedding('embed_tokens', vocab, parts.hidden), ...parts.finalNorm],
    stacks: [parts.stack],
  };
}

function denseLayer(
  c: ConfigReader,
  decoder: Decoder,
  hidden: number,
  heads: Heads,
  window: number | undefined,
): Omit<Layers, 'count'> {
  const names = typeof decoder.norms === 'function' ? decoder.norms(c) : (decoder.norms ?? LLAMA_NORMS);
  const self = attention(hidden, heads, {
    qkvBias: bias(c, decoder.qkvBias),
    outBias: bias(c, decoder.outBias),
    qkNorm: decoder.qkNorm?.(c, heads) ?? [],
    names: ['q_proj', 'k_proj', 'v_proj', decoder.out ?? 'o_proj'],
    fused: decoder.fusedQkv,
    window,
  });
  const mlp = mlpOf(c, decoder, hidden);
  return {
    className: `${decoder.name}DecoderLayer`,
    tower: 'text',
    parts: [...self.parts, ...mlp.parts, ...names.flatMap((name) => normOf(decoder, name, hidden))],
    attention: self.shape,
    mlp: mlp.shape,
  };
}

const LLAMA_NORMS = ['input_layernorm', 'post_attention_layernorm'];

function mlpOf(c: ConfigReader, decoder: Decoder, hidden: number): { parts: Tensor[]; shape: MlpShape } {
  const width = c.size('intermediate_size');
  const mlp = decoder.mlp ?? 'gated';
  if (mlp === 'gated') return gatedMlp(hidden, width, bias(c, decoder.mlpBias));
  return mlp === 'fused' ? fusedGatedMlp(hidden, width) : plainMlp(hidden, width, mlp, bias(c, decoder.mlpBias));
}

function normOf(decoder: Decoder, name: string, width: number): Tensor[] {
  return decoder.normKind === 'none' ? [] : norm(name, width, decoder.normKind === 'layer');
}

export function bias(c: ConfigReader, rule: Bias | undefined): boolean {
  return typeof rule === 'string' ? c.flag(rule) : (rule ?? false);
}

function slides(c: ConfigReader, decoder: Decoder, layer: number): boolean {
  const types = c.texts('layer_types');
  if (types) return types[layer] === 'sliding_attention';
  return decoder.sliding?.(c, layer) ?? false;
}

/** Every layer slides but each `pattern`-th, as in Gemma 2 and 3, Command R7B and OLMo 3. */
function allBut(pattern: number) {
  return (c: ConfigReader, layer: number) => (layer + 1) % (c.optional('sliding_window_pattern') ?? pattern) !== 0;
}

const qwenSliding = (c: ConfigReader, layer: number) =>
  c.flag('use_sliding_window') && layer >= (c.optional('max_window_layers') ?? 0);

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
export const denseFamilies: readonly Family[] = [
  dense({ types: ['llama'], name: 'Llama', qkvBias: 'attention_bias', outBias: 'attention_bias', mlpBias: 'mlp_bias' }),
  dense({ types: ['mistral'], name: 'Mistral', sliding: () => true }),
  dense({ types: ['ministral'], name: 'Ministral', sliding: () => true }),
  dense({ types: ['qwen2'], name: 'Qwen2', qkvBias: true, sliding: qwenSliding }),
  dense({
    types: ['qwen3'],
    name: 'Qwen3',
    qkvBias: 'attention_bias',
    outBias: 'attention_bias',
    qkNorm: perHead,
    sliding: qwenSliding,
  }),
  dense({ types: ['gemma'], name: 'Gemma', qkvBias: 'attention_bias', outBias: 'attention_bias' }),
  dense({
    types: ['gemma2'],
    name: 'Gemma2',
    qkvBias: 'attention_bias',
    outBias: 'attention_bias',
    norms: GEMMA2_NORMS,
    sliding: (_, layer) => layer % 2 === 0,
  }),
  dense({
    types: ['gemma3_text'],
    name: 'Gemma3',
    qkvBias: 'attention_bias',
    outBias: 'attention_bias',
    norms: GEMMA2_NORMS,
    qkNorm: perHead,
    sliding: allBut(6),
  }),
  dense({ types: ['phi3'], name: 'Phi3', mlp: 'fused', fusedQkv: 'qkv_proj', sliding: () => true }),
  dense({
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
  dense({
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
    dense({
      types: [type],
      name,
      qkvBias: 'attention_bias',
      outBias: 'attention_bias',
      norms: POST_NORMS,
      qkNorm: wideNorms,
      sliding: allBut(4),
    }),
  ),
  dense({
    types: ['granite'],
    name: 'Granite',
    qkvBias: 'attention_bias',
    outBias: 'attention_bias',
    mlpBias: 'mlp_bias',
  }),
  dense({
    types: ['starcoder2'],
    name: 'Starcoder2',
    normKind: 'layer',
    qkvBias: 'use_bias',
    outBias: 'use_bias',
    mlpBias: 'use_bias',
    mlp: ['c_fc', 'c_proj'],
    sliding: () => true,
  }),
  dense({
    types: ['smollm3'],
    name: 'SmolLM3',
    qkvBias: 'attention_bias',
    outBias: 'attention_bias',
    mlpBias: 'mlp_bias',
  }),
  dense({
    types: ['seed_oss'],
    name: 'SeedOss',
    qkvBias: 'attention_bias',
    outBias: 'attention_out_bias',
    mlpBias: 'mlp_bias',
  }),
  dense({ types: ['ernie4_5'], name: 'Ernie4_5', qkvBias: 'use_bias', outBias: 'use_bias', mlpBias: 'use_bias' }),
  dense({
    types: ['hunyuan_v1_dense'],
    name: 'HunYuanDenseV1',
    qkvBias: 'attention_bias',
    outBias: 'attention_bias',
    qkNorm: (_, { headDim }) => [...norm('query_layernorm', headDim), ...norm('key_layernorm', headDim)],
  }),
  dense({ types: ['glm'], name: 'Glm', mlp: 'fused', qkvBias: 'attention_bias' }),
  dense({
    types: ['glm4'],
    name: 'Glm4',
    mlp: 'fused',
    qkvBias: 'attention_bias',
    norms: [...LLAMA_NORMS, 'post_self_attn_layernorm', 'post_mlp_layernorm'],
  }),
  dense({ types: ['exaone4'], name: 'Exaone4', norms: POST_NORMS, qkNorm: perHead, sliding: allBut(4) }),
  dense({
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
    dense({
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
  dense({
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
