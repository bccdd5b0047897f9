import type { ConfigReader } from '../config';
import { attentionShape } from '../dimensions';
import type { Family } from '../family';
import { inside, type Layout } from '../layout';
import { conv, linear, norm, parameter, type Tensor, under } from '../parts';
import { placed, type Tower, tower } from './towers';
import { EMPTY, textBody } from './vision-language';

const NORMS = [
  'input_layernorm',
  'post_attention_layernorm',
  'pre_feedforward_layernorm',
  'post_feedforward_layernorm',
];

/** Gemma4VisionModel (transformers 5.18.0 modeling_gemma4.py:587, 697, 917). */
function gemma4Vision(c: ConfigReader): Tower {
  const hidden = c.size('hidden_size');
  const width = c.size('intermediate_size');
  const patch = c.size('patch_size');
  const heads = c.size('num_attention_heads');
  const kvHeads = c.optional('num_key_value_heads') ?? heads;
  const headDim = c.size('head_dim');
  const built = tower('vision', {
    hidden,
    heads,
    outside: under(
      'patch_embedder',
      undefined,
      parameter('position_embedding_table', [2, c.size('position_embedding_size'), hidden]),
      linear('input_proj', 3 * patch ** 2, hidden),
    ),
    at: 'encoder.layers',
    layers: c.size('num_hidden_layers'),
    className: 'Gemma4VisionEncoderLayer',
    layer: [
      ...under(
        'self_attn',
        undefined,
        linear('q_proj.linear', hidden, heads * headDim),
        linear('k_proj.linear', hidden, kvHeads * headDim),
        linear('v_proj.linear', hidden, kvHeads * headDim),
        linear('o_proj.linear', heads * headDim, hidden),
        norm('q_norm', headDim),
        norm('k_norm', headDim),
      ),
      ...under(
        'mlp',
        undefined,
        linear('gate_proj.linear', hidden, width),
        linear('up_proj.linear', hidden, width),
        linear('down_proj.linear', width, hidden),
      ),
      ...NORMS.flatMap((name) => norm(name, hidden)),
    ],
    mlp: { intermediateSize: width, gated: true },
  });
  const stacks = built.stacks.map((stack) => ({
    ...stack,
    layers: stack.layers.map((layer) => ({ ...layer, attention: attentionShape({ heads, kvHeads, headDim }) })),
  }));
  return { ...built, stacks };
}

/** Gemma4AudioModel: a conformer (modeling_gemma4.py:268, 399, 420, 489, 1919). */
function gemma4Audio(c: ConfigReader): Tower {
  const hidden = c.size('hidden_size');
  const heads = c.size('num_attention_heads');
  const [first = 1, second = 1] = c.numbers('subsampling_conv_channels') ?? [];
  const forward = (at: string): Tensor[] =>
    under(
      at,
      undefined,
      linear('ffw_layer_1.linear', hidden, 4 * hidden),
      linear('ffw_layer_2.linear', 4 * hidden, hidden),
      norm('pre_layer_norm', hidden),
      norm('post_layer_norm', hidden),
    );
  return tower('audio', {
    hidden,
    heads,
    outside: [
      ...under(
        'subsample_conv_projection',
        undefined,
        conv('layer0.conv', [first, 1, 3, 3], false),
        norm('layer0.norm', first),
        conv('layer1.conv', [second, first, 3, 3], false),
        norm('layer1.norm', second),
        linear('input_proj_linear', Math.floor(first / 4) * second, hidden),
      ),
      ...linear('output_proj', hidden, c.size('output_proj_dims'), true),
    ],
    at: 'layers',
    layers: c.size('num_hidden_layers'),
    className: 'Gemma4AudioLayer',
    layer: [
      ...forward('feed_forward1'),
      ...forward('feed_forward2'),
      ...under(
        'self_attn',
        undefined,
        parameter('per_dim_scale', [Math.floor(hidden / heads)]),
        ...['q_proj.linear', 'k_proj.linear', 'v_proj.linear', 'post.linear', 'relative_k_proj'].map((name) =>
          linear(name, hidden, hidden),
        ),
      ),
      ...under(
        'lconv1d',
        undefined,
        linear('linear_start.linear', hidden, 2 * hidden),
        linear('linear_end.linear', hidden, hidden),
        conv('depthwise_conv1d', [hidden, 1, c.size('conv_kernel_size')], false),
        norm('pre_layer_norm', hidden),
        norm('conv_norm', hidden),
      ),
      ...['norm_pre_attn', 'norm_post_attn', 'norm_out'].flatMap((name) => norm(name, hidden)),
    ],
    mlp: { intermediateSize: 4 * hidden, gated: false },
  });
}

/** Gemma4ForConditionalGeneration: each tower is there when its config is. */
export const gemma4: Family = {
  types: ['gemma4'],
  architecture: 'Gemma4ForConditionalGeneration',
  layout(c, architecture) {
    if (architecture !== 'Gemma4ForConditionalGeneration') return undefined;
    const text = textBody(c.child('text_config', 'gemma4_text', true));
    if (!text) return EMPTY;
    if (!c.flag('tie_word_embeddings'))
      c.problem('tie_word_embeddings is off, which Shardlens cannot count for Gemma 4');
    const v = c.child('vision_config', 'gemma4_vision', true);
    const a = c.child('audio_config', 'gemma4_audio', true);
    const towers: Tower[] = [];
    const projectors: Tensor[] = [];
    if (c.says('vision_config')) {
      towers.push(placed('vision_tower', gemma4Vision(v)));
      projectors.push(...linear('embed_vision.embedding_projection', v.size('hidden_size'), text.hiddenSize));
    }
    if (c.says('audio_config')) {
      towers.push(placed('audio_tower', gemma4Audio(a)));
      projectors.push(...linear('embed_audio.embedding_projection', a.size('output_proj_dims'), text.hiddenSize));
    }
    const language = inside('language_model', text);
    const body: Layout = {
      ...language,
      tied: true,
      parts: [...language.parts, ...towers.flatMap((item) => item.parts), ...under('', 'projector', projectors)],
      stacks: [...towers.flatMap((item) => item.stacks), ...language.stacks],
    };
    return inside('model', body);
  },
};
