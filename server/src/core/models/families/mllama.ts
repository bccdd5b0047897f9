import type { ConfigReader } from '../config';
import { attention, attentionShape, gatedMlp, headNorms, plainMlp, readHeads } from '../dimensions';
import { type Family, languageHead } from '../family';
import { type Layers, stack, uniform } from '../layout';
import { all, conv, embedding, layerNorm, linear, norm, parameter, under } from '../parts';
import { placed, type Tower } from './towers';

/** Llama 3.2 Vision (modeling_mllama.py): cross-attention layers among the decoder's. */
export const mllama: Family = {
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
