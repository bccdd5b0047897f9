import type { ConfigReader } from '../config';
import { attention, gatedMlp, plainMlp } from '../dimensions';
import type { Family } from '../family';
import type { Layout } from '../layout';
import { all, conv, embedding, layerNorm, linear, norm, parameter, repeated, type Tensor, under } from '../parts';
import { gemma4 } from './gemma4';
import { llama4, llama4Causal } from './llama4';
import { mllama } from './mllama';
import { whisperEncoder, whisperFront } from './seq2seq';
import { clipLayer, qkvAttention, type Tower, tower } from './towers';
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
