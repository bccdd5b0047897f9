import type { ConfigReader } from '../config';
import { attention, attentionShape, gatedMlp, headNorms, plainMlp, readHeads } from '../dimensions';
import { type Family, languageHead } from '../family';
import { inside, type Layers, type Layout, stack, uniform } from '../layout';
import { all, conv, embedding, layerNorm, linear, norm, parameter, repeated, type Tensor, under } from '../parts';
import { gemma4 } from './gemma4';
import { whisperEncoder, whisperFront } from './seq2seq';
import { clipLayer, placed, qkvAttention, side, type Tower, tower } from './towers';
import { composite } from './vision-language';

/** Idefics3VisionTransformer (transformers 5.18.0 modeling_idefics3.py); Idefics2's and SmolVLM's are the same. */
function ideficsVision(name: string) {
  return (c: ConfigReader): Tower => {
    const hidden = c.size('hidden_size');
    const width = c.size('intermediate_size');
    const patch = c.size('patch_size');
    return tower('vision', {
      hidden,
      heads: c.size('num_attention_heads'),
      outside: [
        ...conv('embeddings.patch_embedding', [hidden, c.size('num_channels'), patch, patch]),
        ...embedding('embeddings.position_embedding', Math.floor(c.size('image_size') / patch) ** 2, hidden),
        ...layerNorm('post_layernorm', hidden),
      ],
      at: 'encoder.layers',
      layers: c.size('num_hidden_layers'),
      className: `${name}EncoderLayer`,
      layer: clipLayer(hidden, width),
      mlp: { intermediateSize: width, gated: false },
    });
  };
}

/** Glm4vVisionModel (modeling_glm4v.py): its blocks' MLP is as wide as the output. */
function glm4Vision(c: ConfigReader): Tower {
  const hidden = c.size('hidden_size');
  const out = c.size('out_hidden_size');
  const patch = c.size('patch_size');
  const merge = c.size('spatial_merge_size');
  const mlp = gatedMlp(hidden, out);
  const merger = gatedMlp(out, c.size('intermediate_size'), false, 'merger');
  const bias = c.flag('attention_bias');
  return tower('vision', {
    hidden,
    heads: c.size('num_heads'),
    outside: [
      ...embedding('embeddings.position_embedding', Math.floor(c.size('image_size') / patch) ** 2, hidden),
      ...conv('patch_embed.proj', [hidden, c.size('in_channels'), c.size('temporal_patch_size'), patch, patch]),
      ...norm('post_conv_layernorm', hidden),
      ...conv('downsample', [out, hidden, merge, merge]),
      ...norm('post_layernorm', hidden),
      ...linear('merger.proj', out, out),
      ...layerNorm('merger.post_projection_norm', out),
      ...merger.parts,
    ],
    at: 'blocks',
    layers: c.size('depth'),
    className: 'Glm4vVisionBlock',
    layer: [
      ...norm('norm1', hidden),
      ...norm('norm2', hidden),
      ...qkvAttention(hidden, false),
      ...(bias ? parameter('attn.qkv.bias', [3 * hidden], 'linear') : []),
      ...mlp.parts,
    ],
    mlp: mlp.shape,
  });
}

/** Kimi_K25VisionModel (modeling_kimi_k25.py). */
function kimiVision(c: ConfigReader): Tower {
  const hidden = c.size('hidden_size');
  const width = c.size('intermediate_size');
  const patch = c.size('patch_size');
  const mlp = plainMlp(hidden, width, ['fc1', 'fc2'], true);
  return tower('vision', {
    hidden,
    heads: c.size('num_attention_heads'),
    outside: [
      ...conv('patch_embed.proj', [hidden, 3, patch, patch]),
      ...parameter('patch_embed.pos_emb.position_embeddings', [
        c.size('pos_emb_height'),
        c.size('pos_emb_width'),
        hidden,
      ]),
      ...layerNorm('final_layernorm', hidden),
    ],
    at: 'layers',
    layers: c.size('num_hidden_layers'),
    className: 'Kimi_K25VisionEncoderLayer',
    layer: [
      ...layerNorm('norm1', hidden),
      ...layerNorm('norm2', hidden),
      ...under(
        'attn',
        undefined,
        ...['proj', 'q_proj', 'k_proj', 'v_proj'].map((name) => linear(name, hidden, hidden, true)),
      ),
      ...mlp.parts,
    ],
    mlp: mlp.shape,
  });
}

function kimiProjector(c: ConfigReader, _: Tower, v: ConfigReader, text: Layout): Tensor[] {
  const width = c.size('projection_hidden_size');
  const [rows = 2, columns = 2] = v.numbers('merge_kernel_size') ?? [];
  const merged = width * rows * columns;
  return under(
    'mm_projector',
    undefined,
    layerNorm('pre_norm', width),
    linear('in_proj', merged, merged, true),
    linear('out_proj', merged, text.hiddenSize, true),
  );
}

/** Qwen2AudioEncoder is Whisper's encoder. */
function qwenAudio(c: ConfigReader): Tower {
  const hidden = c.size('d_model');
  const encoder = whisperEncoder(c, 'Qwen2Audio', hidden);
  const layers = encoder.layers.map((layer) => ({
    ...layer,
    tower: 'audio' as const,
    parts: all('audio', layer.parts),
  }));
  return {
    hidden,
    parts: all('audio', [...whisperFront(c, hidden), ...layerNorm('layer_norm', hidden)]),
    stacks: [{ at: 'layers', layers }],
  };
}

/** Llama 3.2 Vision (modeling_mllama.py): cross-attention layers among the decoder's. */
const mllama: Family = {
  types: ['mllama'],
  architecture: 'MllamaForConditionalGeneration',
  layout(c, architecture) {
    if (architecture !== 'MllamaForConditionalGeneration') return undefined;
    const t = c.child('text_config', 'mllama_text_model', true);
    const v = c.child('vision_config', 'mllama_vision_model', true);
    const hidden = t.size('hidden_size');
    const vocab = t.size('vocab_size');
    const seen = placed('model.vision_model', mllamaVision(v));
    const crossing = new Set(t.numbers('cross_attention_layers') ?? [3, 8, 13, 18, 23, 28, 33, 38]);
    const layers = t.size('num_hidden_layers');
    const tied = t.flag('tie_word_embeddings') || c.flag('tie_word_embeddings');
    return {
      hiddenSize: hidden,
      layers,
      vocabSize: vocab,
      tied,
      maxPositions: t.limit('max_position_embeddings'),
      parts: [
        ...seen.parts,
        // Eight rows more than the head has, for the image tokens.
        ...embedding('model.language_model.embed_tokens', vocab + 8, hidden),
        ...norm('model.language_model.norm', hidden),
        ...under('model', 'projector', linear('multi_modal_projector', v.size('vision_output_dim'), hidden, true)),
        ...languageHead(hidden, vocab, tied),
      ],
      stacks: [
        ...seen.stacks,
        stack(
          'model.language_model.layers',
          layers,
          (layer) => String(crossing.has(layer)),
          (layer) => mllamaLayer(t, hidden, crossing.has(layer)),
        ),
      ],
    };
  },
};

function mllamaLayer(c: ConfigReader, hidden: number, isCross: boolean): Omit<Layers, 'count'> {
  const heads = readHeads(c, hidden);
  const self = attention(hidden, heads, isCross ? { at: 'cross_attn', qkNorm: headNorms(heads.headDim) } : {});
  const mlp = gatedMlp(hidden, c.size('intermediate_size'));
  return {
    className: isCross ? 'MllamaCrossAttentionDecoderLayer' : 'MllamaSelfAttentionDecoderLayer',
    tower: 'text',
    parts: [
      ...self.parts,
      ...mlp.parts,
      ...norm('input_layernorm', hidden),
      ...norm('post_attention_layernorm', hidden),
      ...(isCross ? [...parameter('cross_attn_attn_gate', [1]), ...parameter('cross_attn_mlp_gate', [1])] : []),
    ],
    attention: isCross ? { ...self.shape, kind: 'cross' } : self.shape,
    mlp: mlp.shape,
  };
}

/** MllamaVisionModel: tiles, gated position tables, and gated layers after the plain ones. */
function mllamaVision(c: ConfigReader): Tower {
  const hidden = c.size('hidden_size');
  const width = c.size('intermediate_size');
  const patch = c.size('patch_size');
  const tiles = c.size('max_num_tiles');
  const places = Math.floor(c.size('image_size') / patch) ** 2 + 1;
  const ratioList = c.value('supported_aspect_ratios');
  const ratios = (Array.isArray(ratioList) ? ratioList.length : 8) + 1;
  const heads = c.size('attention_heads');
  const tileTable = (name: string) => [
    ...parameter(`${name}.gate`, [1]),
    ...embedding(`${name}.embedding`, ratios, tiles * hidden),
  ];
  const mlp = plainMlp(hidden, width, ['fc1', 'fc2'], true);
  const layer = (gated: boolean): Omit<Layers, 'count'> => ({
    className: 'MllamaVisionEncoderLayer',
    tower: 'vision',
    parts: all('vision', [
      ...(gated ? [...parameter('gate_attn', [1]), ...parameter('gate_ffn', [1])] : []),
      ...under(
        'self_attn',
        undefined,
        ...['q_proj', 'k_proj', 'v_proj', 'o_proj'].map((name) => linear(name, hidden, hidden)),
      ),
      ...mlp.parts,
      ...layerNorm('input_layernorm', hidden),
      ...layerNorm('post_attention_layernorm', hidden),
    ]),
    attention: attentionShape({ heads, kvHeads: heads, headDim: Math.floor(hidden / heads) }),
    mlp: mlp.shape,
  });
  return {
    hidden,
    parts: all('vision', [
      ...parameter('class_embedding', [hidden]),
      ...conv('patch_embedding', [hidden, c.size('num_channels'), patch, patch], false),
      ...parameter('gated_positional_embedding.gate', [1]),
      ...parameter('gated_positional_embedding.embedding', [places, hidden]),
      ...embedding('gated_positional_embedding.tile_embedding', ratios, tiles * places * hidden),
      ...tileTable('pre_tile_positional_embedding'),
      ...tileTable('post_tile_positional_embedding'),
      ...layerNorm('layernorm_pre', hidden),
      ...layerNorm('layernorm_post', hidden),
    ]),
    stacks: [
      uniform('transformer.layers', c.size('num_hidden_layers'), layer(false)),
      uniform('global_transformer.layers', c.size('num_global_layers'), layer(true)),
    ],
  };
}

/** Llama 4 (modeling_llama4.py). */
const llama4: Family = {
  types: ['llama4'],
  architecture: 'Llama4ForConditionalGeneration',
  layout(c, architecture) {
    if (architecture !== 'Llama4ForConditionalGeneration') return undefined;
    const text = llama4Text(c.child('text_config', 'llama4_text', true));
    const v = c.child('vision_config', 'llama4_vision_model', true);
    const seen = placed('vision_model', llama4Vision(v));
    const language = inside('language_model', text);
    const projector = linear('multi_modal_projector.linear_1', v.size('vision_output_dim'), text.hiddenSize);
    return {
      ...language,
      parts: [...language.parts, ...seen.parts, ...under('', 'projector', projector)],
      stacks: [...seen.stacks, ...language.stacks],
    };
  },
};

const llama4Causal: Family = {
  types: ['llama4_text'],
  architecture: 'Llama4ForCausalLM',
  layout: (c, architecture) => (architecture === 'Llama4ForCausalLM' ? llama4Text(c) : undefined),
};

function llama4Text(c: ConfigReader): Layout {
  const hidden = c.size('hidden_size');
  const vocab = c.size('vocab_size');
  const layers = c.size('num_hidden_layers');
  const tied = c.flag('tie_word_embeddings');
  const step = c.size('interleave_moe_layer_step');
  const listed = c.numbers('moe_layers');
  const isSparse = (layer: number) => listed?.includes(layer) ?? (layer + 1) % step === 0;
  const body: Layout = {
    hiddenSize: hidden,
    layers,
    vocabSize: vocab,
    tied,
    maxPositions: c.limit('max_position_embeddings'),
    parts: [...embedding('embed_tokens', vocab, hidden), ...norm('norm', hidden)],
    stacks: [
      stack(
        'layers',
        layers,
        (layer) => `${isSparse(layer)} ${isChunked(c, layer)}`,
        (layer) => llama4Layer(c, hidden, isSparse(layer), isChunked(c, layer)),
      ),
    ],
  };
  const whole = inside('model', body);
  return { ...whole, parts: [...whole.parts, ...languageHead(hidden, vocab, tied)] };
}

/** Three of four layers attend within a chunk only, unless the config says otherwise (configuration_llama4.py:198). */
function isChunked(c: ConfigReader, layer: number): boolean {
  const types = c.texts('layer_types');
  if (types) return types[layer] === 'chunked_attention';
  const rope = c.numbers('no_rope_layers');
  if (rope && rope.length > 0) return rope[layer] === 1;
  return (layer + 1) % (c.optional('no_rope_layer_interval') ?? 4) !== 0;
}

function llama4Layer(c: ConfigReader, hidden: number, isSparse: boolean, isChunk: boolean): Omit<Layers, 'count'> {
  const bias = c.flag('attention_bias');
  const window = isChunk ? c.limit('attention_chunk_size') : undefined;
  const self = attention(hidden, readHeads(c, hidden), { qkvBias: bias, outBias: bias, window });
  const width = c.size('intermediate_size');
  const count = c.size('num_local_experts');
  const experts = under(
    'feed_forward',
    'expert',
    parameter('experts.gate_up_proj', [count, hidden, 2 * width], 'expert-stack'),
    parameter('experts.down_proj', [count, width, hidden], 'expert-stack'),
  );
  const shared = gatedMlp(hidden, width, false, 'feed_forward.shared_expert').parts;
  const denseWidth = c.size('intermediate_size_mlp');
  const dense = gatedMlp(hidden, denseWidth, false, 'feed_forward');
  return {
    className: 'Llama4TextDecoderLayer',
    tower: 'text',
    parts: [
      ...self.parts,
      ...(isSparse
        ? [...experts, ...under('feed_forward', 'router', linear('router', hidden, count)), ...shared]
        : dense.parts),
      ...norm('input_layernorm', hidden),
      ...norm('post_attention_layernorm', hidden),
    ],
    attention: self.shape,
    mlp: isSparse
      ? {
          intermediateSize: width,
          gated: true,
          moe: {
            experts: count,
            expertsPerToken: c.size('num_experts_per_tok'),
            expertIntermediateSize: width,
            sharedIntermediateSize: width,
          },
        }
      : dense.shape,
  };
}

function llama4Vision(c: ConfigReader): Tower {
  const hidden = c.size('hidden_size');
  const width = c.size('intermediate_size');
  const patch = c.size('patch_size');
  const places = Math.floor(side(c, 'image_size') / patch) ** 2 + 1;
  const out = c.size('projector_output_dim');
  const mlp = plainMlp(hidden, width, ['fc1', 'fc2'], true);
  return tower('vision', {
    hidden,
    heads: c.size('num_attention_heads'),
    outside: [
      ...parameter('class_embedding', [hidden]),
      ...parameter('positional_embedding_vlm', [places, hidden]),
      ...linear('patch_embedding.linear', c.size('num_channels') * patch ** 2, hidden),
      ...layerNorm('layernorm_pre', hidden),
      ...layerNorm('layernorm_post', hidden),
      ...linear('vision_adapter.mlp.fc1', width, c.size('projector_input_dim')),
      ...linear('vision_adapter.mlp.fc2', out, out),
    ],
    at: 'model.layers',
    layers: c.size('num_hidden_layers'),
    className: 'Llama4VisionEncoderLayer',
    layer: [
      ...under(
        'self_attn',
        undefined,
        ...['q_proj', 'k_proj', 'v_proj', 'o_proj'].map((name) => linear(name, hidden, hidden, true)),
      ),
      ...mlp.parts,
      ...layerNorm('input_layernorm', hidden),
      ...layerNorm('post_attention_layernorm', hidden),
    ],
    mlp: mlp.shape,
  });
}

/** Idefics2 (modeling_idefics2.py): the connector is a gated MLP and a perceiver that reads the image into few latents. */
const idefics2 = composite({
  type: 'idefics2',
  name: 'Idefics2',
  text: 'mistral',
  vision: 'idefics2_vision',
  tower: ideficsVision('Idefics2'),
  towerAt: 'vision_model',
  textAt: 'text_model',
  projector: (c, vision, _, text) => {
    const middle = text.stacks[0]?.layers[0]?.mlp?.intermediateSize ?? 1;
    const p = c.child('perceiver_config', 'idefics2_perceiver', true);
    const width = p.size('hidden_size');
    const heads = p.size('resampler_n_heads');
    const headDim = p.size('resampler_head_dim');
    const kvHeads = p.size('num_key_value_heads');
    const layer = [
      ...norm('input_latents_norm', width),
      ...norm('input_context_norm', width),
      ...attention(width, { heads, kvHeads, headDim }).parts,
      ...norm('post_attention_layernorm', width),
      ...gatedMlp(width, 4 * width).parts,
    ];
    return under(
      'connector',
      undefined,
      under(
        'modality_projection',
        undefined,
        linear('gate_proj', vision.hidden, middle),
        linear('up_proj', vision.hidden, middle),
        linear('down_proj', middle, text.hiddenSize),
      ),
      under(
        'perceiver_resampler',
        undefined,
        parameter('latents', [p.size('resampler_n_latents'), width]),
        repeated('layers', p.size('resampler_depth'), layer),
        norm('norm', width),
      ),
    );
  },
});

/** transformers 5.18.0, models/<type>/modeling_<type>.py. */
export const multimodal: readonly Family[] = [
  ...(
    [
      ['idefics3', 'Idefics3'],
      ['smolvlm', 'SmolVLM'],
    ] as const
  ).map(([type, name]) =>
    composite({
      type,
      name,
      text: 'llama',
      vision: `${type}_vision`,
      tower: ideficsVision(name === 'Idefics3' ? 'Idefics3' : 'SmolVLM'),
      towerAt: 'vision_model',
      textAt: 'text_model',
      projector: (c, vision, _, text) =>
        linear('connector.modality_projection.proj', vision.hidden * c.size('scale_factor') ** 2, text.hiddenSize),
    }),
  ),
  composite({
    type: 'glm4v',
    name: 'Glm4v',
    text: 'glm4v_text',
    vision: 'glm4v_vision',
    tower: glm4Vision,
    towerAt: 'visual',
  }),
  composite({
    type: 'kimi_k25',
    name: 'Kimi_K25',
    text: 'deepseek_v3',
    vision: 'kimi_k25_vision',
    tower: kimiVision,
    projector: kimiProjector,
    tie: 'text',
  }),
  composite({
    type: 'qwen2_audio',
    name: 'Qwen2Audio',
    text: 'qwen2',
    vision: 'qwen2_audio_encoder',
    towerConfig: 'audio_config',
    tower: qwenAudio,
    towerAt: 'audio_tower',
    projector: (_, audio, __, text) => linear('multi_modal_projector.linear', audio.hidden, text.hiddenSize, true),
  }),
  gemma4,
  idefics2,
  mllama,
  llama4,
  llama4Causal,
];
