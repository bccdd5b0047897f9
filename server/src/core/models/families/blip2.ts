import type { ConfigReader } from '../config';
import { plainMlp } from '../dimensions';
import type { Family } from '../family';
import { inside } from '../layout';
import { all, conv, layerNorm, linear, parameter, repeated, type Tensor, under } from '../parts';
import { gptLike } from './gpt';
import { t5Like } from './t5';
import { placed, type Tower, tower } from './towers';
import { EMPTY } from './vision-language';

/** The text models that checkpoints of BLIP-2 have: OPT, or the encoder-decoder T5. */
const TEXT = [...gptLike, ...t5Like].filter(({ types }) => types.includes('opt') || types.includes('t5'));

/** Blip2VisionModel (modeling_blip_2.py:183-497): pictures have three channels, whatever the config says. */
function vision(v: ConfigReader): Tower {
  const hidden = v.size('hidden_size');
  const patch = v.size('patch_size');
  const positions = Math.floor(v.size('image_size') / patch) ** 2 + 1;
  const mlp = plainMlp(hidden, v.size('intermediate_size'), ['fc1', 'fc2'], true);
  return tower('vision', {
    hidden,
    heads: v.size('num_attention_heads'),
    outside: [
      ...under(
        'embeddings',
        undefined,
        parameter('class_embedding', [1, 1, hidden]),
        parameter('position_embedding', [1, positions, hidden]),
        conv('patch_embedding', [hidden, 3, patch, patch]),
      ),
      ...layerNorm('post_layernorm', hidden),
    ],
    at: 'encoder.layers',
    layers: v.size('num_hidden_layers'),
    className: 'Blip2EncoderLayer',
    layer: [
      ...linear('self_attn.qkv', hidden, 3 * hidden, v.value('qkv_bias') !== false),
      ...linear('self_attn.projection', hidden, hidden, true),
      ...layerNorm('layer_norm1', hidden),
      ...mlp.parts,
      ...layerNorm('layer_norm2', hidden),
    ],
    mlp: mlp.shape,
  });
}

/** Blip2QFormerModel (modeling_blip_2.py:535-870): BERT's layers, of which each n-th also looks at the picture. */
function qFormer(q: ConfigReader, seen: number): Tensor[] {
  const hidden = q.size('hidden_size');
  const width = q.size('intermediate_size');
  const layers = q.size('num_hidden_layers');
  const attention = (at: string, keys: number) =>
    under(
      at,
      undefined,
      linear('attention.query', hidden, hidden, true),
      linear('attention.key', keys, hidden, true),
      linear('attention.value', keys, hidden, true),
      linear('output.dense', hidden, hidden, true),
      layerNorm('output.LayerNorm', hidden),
    );
  const feedForward = (end: string) => [
    ...linear(`intermediate${end}.dense`, hidden, width, true),
    ...linear(`output${end}.dense`, width, hidden, true),
    ...layerNorm(`output${end}.LayerNorm`, hidden),
  ];
  const layer = [
    ...attention('attention', hidden),
    ...(q.flag('use_qformer_text_input') ? feedForward('') : []),
    ...feedForward('_query'),
  ];
  const crossings = Math.ceil(layers / q.size('cross_attention_frequency'));
  return [
    ...layerNorm('layernorm', hidden),
    ...repeated('encoder.layer', layers, layer),
    // The width of the pictures is the tower's: Blip2Config overwrites encoder_hidden_size with it.
    ...repeated('encoder.layer', crossings, attention('crossattention', seen)),
  ];
}

/**
 * BLIP-2 (transformers 5.18.0 modeling_blip_2.py:957 and :1460): a vision tower, learned queries that read it through the
 * Q-Former, and a whole language model with its own head. The retrieval classes are not counted.
 */
export const blip2: Family = {
  types: ['blip-2'],
  architecture: 'Blip2ForConditionalGeneration',
  layout(c, architecture) {
    if (architecture !== 'Blip2ForConditionalGeneration' && architecture !== 'Blip2Model') return undefined;
    const t = c.child('text_config', 'opt');
    const family = TEXT.find(({ types }) => types.includes(t.modelType));
    const text = family?.layout(t, family.architecture);
    if (!text) {
      c.problem(`${t.path}model_type "${t.modelType}" is not one that Shardlens can count`);
      return EMPTY;
    }
    const seen = placed('vision_model', vision(c.child('vision_config', 'blip_2_vision_model', true)));
    const q = c.child('qformer_config', 'blip_2_qformer', true);
    const width = q.size('hidden_size');
    const bridge = [
      ...parameter('query_tokens', [1, c.size('num_query_tokens'), width]),
      ...under('qformer', undefined, qFormer(q, seen.hidden)),
      // As wide as OPT's layers, even where its word table is narrower.
      ...linear('language_projection', width, t.size('hidden_size', 'd_model'), true),
    ];
    const language = inside('language_model', text);
    return {
      ...language,
      parts: [...seen.parts, ...all('projector', bridge), ...language.parts],
      stacks: [...seen.stacks, ...language.stacks],
    };
  },
};
