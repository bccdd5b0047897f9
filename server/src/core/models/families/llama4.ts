import type { ConfigReader } from '../config';
import { attention, gatedMlp, plainMlp, readHeads } from '../dimensions';
import { type Family, languageHead } from '../family';
import { inside, type Layers, type Layout, stack } from '../layout';
import { embedding, layerNorm, linear, norm, parameter, under } from '../parts';
import { placed, side, type Tower, tower } from './towers';

/** Llama 4 (modeling_llama4.py). */
export const llama4: Family = {
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

/** The text model alone; with its vision tower it is {@link llama4}. */
export const llama4Causal: Family = {
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
