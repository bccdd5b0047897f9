import type { ConfigReader } from '../config';
import { attentionShape } from '../dimensions';
import { type Family, labels, withParts } from '../family';
import { inside, type Layers, type Layout, uniform } from '../layout';
import { conv, layerNorm, linear, parameter, type Tensor, under } from '../parts';

/** Wav2Vec2 and HuBERT (transformers 5.18.0 modeling_wav2vec2.py, modeling_hubert.py): convolutions over the wave, then an encoder. */
function speech(type: string, name: string): Family {
  return {
    types: [type],
    architecture: `${name}Model`,
    layout(c, architecture) {
      if (c.flag('add_adapter')) c.problem('add_adapter is set, which Shardlens cannot count');
      const body = bodyOf(c, name);
      if (architecture === `${name}Model`) return body;
      const head = headOf(c, architecture.slice(name.length), body.hiddenSize);
      return head && withParts(inside(type, body), under('', 'head', head));
    },
  };
}

function headOf(c: ConfigReader, suffix: string, hidden: number): Tensor[] | undefined {
  switch (suffix) {
    case 'ForCTC':
      return linear('lm_head', hidden, c.size('vocab_size'), true);
    case 'ForPreTraining':
      return quantizer(c, hidden);
    case 'ForSequenceClassification': {
      const width = c.size('classifier_proj_size');
      if (c.flag('use_weighted_layer_sum')) c.problem('use_weighted_layer_sum is set, which Shardlens cannot count');
      return [...linear('projector', hidden, width, true), ...linear('classifier', width, labels(c), true)];
    }
    default:
      return undefined;
  }
}

/** Wav2Vec2GumbelVectorQuantizer and the two projections of the contrastive loss. */
function quantizer(c: ConfigReader, hidden: number): Tensor[] {
  const groups = c.size('num_codevector_groups');
  const vectors = groups * c.size('num_codevectors_per_group');
  const width = c.size('codevector_dim');
  const out = c.size('proj_codevector_dim');
  return [
    ...parameter('quantizer.codevectors', [1, vectors, Math.floor(width / groups)]),
    ...linear('quantizer.weight_proj', waveDims(c).at(-1) ?? 1, vectors, true),
    ...linear('project_hid', hidden, out, true),
    ...linear('project_q', width, out, true),
  ];
}

function waveDims(c: ConfigReader): readonly number[] {
  return c.numbers('conv_dim') ?? [];
}

function bodyOf(c: ConfigReader, name: string): Layout {
  const hidden = c.size('hidden_size');
  const layers = c.size('num_hidden_layers');
  const heads = c.size('num_attention_heads');
  const width = c.size('intermediate_size');
  const wave = waveDims(c).at(-1) ?? 1;
  const masks = c.value('mask_time_prob') !== 0 || c.value('mask_feature_prob') !== 0;
  const layer: Omit<Layers, 'count'> = {
    className: `${name}EncoderLayer${c.flag('do_stable_layer_norm') ? 'StableLayerNorm' : ''}`,
    tower: 'audio',
    parts: encoderLayer(hidden, width),
    attention: attentionShape({ heads, kvHeads: heads, headDim: Math.floor(hidden / heads) }),
    mlp: { intermediateSize: width, gated: false },
  };
  if (c.says('adapter_attn_dim')) c.problem('adapter_attn_dim is set, which Shardlens cannot count');
  return {
    hiddenSize: hidden,
    layers,
    vocabSize: c.limit('vocab_size') ?? 0,
    tied: false,
    maxPositions: undefined,
    parts: [
      ...(masks ? parameter('masked_spec_embed', [hidden]) : []),
      ...under('feature_extractor', 'audio', waveConvolutions(c)),
      ...under(
        'feature_projection',
        'projector',
        c.value('feat_proj_layer_norm') === false ? [] : layerNorm('layer_norm', wave),
        linear('projection', wave, hidden, true),
      ),
      ...under('encoder', undefined, positionConvolution(c, hidden), layerNorm('layer_norm', hidden)),
    ],
    stacks: [uniform('encoder.layers', layers, layer)],
    // Wav2Vec2's convolutions and blocks are HuBERT's.
    ...(normsEverywhere(c) && { recordedAs: 'hubert layer' }),
  };
}

/** Each convolution has a norm of its own, which keeps what it read. */
function normsEverywhere(c: ConfigReader): boolean {
  return c.text('feat_extract_norm') === 'layer';
}

/** One convolution for each width; all of them have a norm, or only the first (`feat_extract_norm`). */
function waveConvolutions(c: ConfigReader): Tensor[] {
  const widths = waveDims(c);
  const kernels = c.numbers('conv_kernel') ?? [];
  if (widths.length === 0 || widths.length !== kernels.length) c.problem('conv_dim and conv_kernel differ in length');
  const everywhere = normsEverywhere(c);
  return widths.flatMap((width, index) => [
    ...conv(
      'conv_layers.*.conv',
      [width, index === 0 ? 1 : (widths[index - 1] ?? 1), kernels[index] ?? 1],
      c.flag('conv_bias'),
    ),
    ...(everywhere || index === 0 ? layerNorm('conv_layers.*.layer_norm', width) : []),
  ]);
}

/** Positions come from a grouped convolution under weight normalisation, which keeps size and direction apart. */
function positionConvolution(c: ConfigReader, hidden: number): Tensor[] {
  const kernel = c.size('num_conv_pos_embeddings');
  const groups = c.size('num_conv_pos_embedding_groups');
  const at = 'pos_conv_embed.conv';
  return [
    ...parameter(`${at}.bias`, [hidden], 'conv'),
    ...parameter(`${at}.parametrizations.weight.original0`, [1, 1, kernel]),
    ...parameter(`${at}.parametrizations.weight.original1`, [hidden, Math.floor(hidden / groups), kernel]),
  ];
}

function encoderLayer(hidden: number, width: number): Tensor[] {
  return [
    ...under(
      'attention',
      'attention',
      ...['k_proj', 'v_proj', 'q_proj', 'out_proj'].map((name) => linear(name, hidden, hidden, true)),
    ),
    ...layerNorm('layer_norm', hidden),
    ...under(
      'feed_forward',
      'mlp',
      linear('intermediate_dense', hidden, width, true),
      linear('output_dense', width, hidden, true),
    ),
    ...layerNorm('final_layer_norm', hidden),
  ];
}

/** Encoders of raw sound. */
export const speechModels: readonly Family[] = [speech('wav2vec2', 'Wav2Vec2'), speech('hubert', 'Hubert')];
