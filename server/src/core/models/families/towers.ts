import type { ConfigReader } from '../config';
import { attentionShape, gatedMlp, plainMlp } from '../dimensions';
import { type Layers, type Stack, uniform } from '../layout';
import type { MlpShape } from '../model';
import { all, conv, embedding, layerNorm, linear, norm, parameter, type Tensor, under } from '../parts';

/** A vision or audio tower: tensors beside its layers, and its layers. All of it is one kind, norms included. */
export interface Tower {
  readonly hidden: number;
  readonly parts: readonly Tensor[];
  readonly stacks: readonly Stack[];
}

/** Builds a tower whose layers are alike. */
export function tower(
  kind: 'vision' | 'audio',
  o: {
    readonly hidden: number;
    readonly heads: number;
    readonly outside: readonly Tensor[];
    readonly at: string;
    readonly layers: number;
    readonly className: string;
    readonly layer: readonly Tensor[];
    readonly mlp: MlpShape;
  },
): Tower {
  const layer: Omit<Layers, 'count'> = {
    className: o.className,
    tower: kind,
    parts: all(kind, o.layer),
    attention: attentionShape({ heads: o.heads, kvHeads: o.heads, headDim: Math.floor(o.hidden / o.heads) }),
    mlp: o.mlp,
  };
  return { hidden: o.hidden, parts: all(kind, o.outside), stacks: [uniform(o.at, o.layers, layer)] };
}

/** Places a tower in a composite model. */
export function placed(at: string, item: Tower): Tower {
  return {
    ...item,
    parts: under(at, undefined, [...item.parts]),
    stacks: item.stacks.map((stack) => ({ ...stack, at: `${at}.${stack.at}` })),
  };
}

/** First number of a size that may be a pair. */
export function side(c: ConfigReader, name: string): number {
  const pair = c.numbers(name);
  return pair?.[0] ?? c.size(name);
}

/** Layers of CLIP and SigLIP: two LayerNorms, biases everywhere. */
export function clipLayer(hidden: number, width: number): Tensor[] {
  return [
    ...under(
      'self_attn',
      undefined,
      ...['k_proj', 'v_proj', 'q_proj', 'out_proj'].map((name) => linear(name, hidden, hidden, true)),
    ),
    ...layerNorm('layer_norm1', hidden),
    ...plainMlp(hidden, width, ['fc1', 'fc2'], true).parts,
    ...layerNorm('layer_norm2', hidden),
  ];
}

/** Query, key and value in one matrix. */
export function qkvAttention(hidden: number, bias: boolean): Tensor[] {
  return under('attn', undefined, linear('qkv', hidden, 3 * hidden, bias), linear('proj', hidden, hidden, bias));
}

function clipSizes(c: ConfigReader) {
  const hidden = c.size('hidden_size');
  const patch = side(c, 'patch_size');
  const patches = Math.floor(side(c, 'image_size') / patch) ** 2;
  const channels = c.size('num_channels');
  const width = c.size('intermediate_size');
  return {
    hidden,
    patch,
    patches,
    channels,
    width,
    heads: c.size('num_attention_heads'),
    layers: c.size('num_hidden_layers'),
  };
}

/** CLIPVisionModel (transformers 5.18.0 modeling_clip.py). */
export function clipVision(c: ConfigReader): Tower {
  const s = clipSizes(c);
  return tower('vision', {
    ...s,
    outside: [
      ...parameter('embeddings.class_embedding', [s.hidden]),
      ...conv('embeddings.patch_embedding', [s.hidden, s.channels, s.patch, s.patch], false),
      ...embedding('embeddings.position_embedding', s.patches + 1, s.hidden),
      ...layerNorm('pre_layrnorm', s.hidden),
      ...layerNorm('post_layernorm', s.hidden),
    ],
    at: 'encoder.layers',
    className: 'CLIPEncoderLayer',
    layer: clipLayer(s.hidden, s.width),
    mlp: { intermediateSize: s.width, gated: false },
  });
}

/** SiglipVisionModel (modeling_siglip.py); `vision_use_head` adds an attention-pooling head. */
export function siglipVision(c: ConfigReader): Tower {
  const s = clipSizes(c);
  return tower('vision', {
    ...s,
    outside: [
      ...conv('embeddings.patch_embedding', [s.hidden, s.channels, s.patch, s.patch]),
      ...embedding('embeddings.position_embedding', s.patches, s.hidden),
      ...layerNorm('post_layernorm', s.hidden),
      ...(c.value('vision_use_head') === false ? [] : poolingHead(s.hidden, s.width)),
    ],
    at: 'encoder.layers',
    className: 'SiglipEncoderLayer',
    layer: clipLayer(s.hidden, s.width),
    mlp: { intermediateSize: s.width, gated: false },
  });
}

/** SiglipMultiheadAttentionPoolingHead; torch.nn.MultiheadAttention keeps its inputs in one bare parameter. */
function poolingHead(hidden: number, width: number): Tensor[] {
  return under(
    'head',
    undefined,
    parameter('probe', [1, 1, hidden]),
    parameter('attention.in_proj_weight', [3 * hidden, hidden]),
    parameter('attention.in_proj_bias', [3 * hidden]),
    linear('attention.out_proj', hidden, hidden, true),
    layerNorm('layernorm', hidden),
    linear('mlp.fc1', hidden, width, true),
    linear('mlp.fc2', width, hidden, true),
  );
}

/** PixtralVisionModel (modeling_pixtral.py): no biases, gated MLP. */
export function pixtralVision(c: ConfigReader): Tower {
  const hidden = c.size('hidden_size');
  const width = c.size('intermediate_size');
  const patch = side(c, 'patch_size');
  const mlp = gatedMlp(hidden, width, false, 'feed_forward');
  return tower('vision', {
    hidden,
    heads: c.size('num_attention_heads'),
    outside: [...conv('patch_conv', [hidden, c.size('num_channels'), patch, patch], false), ...norm('ln_pre', hidden)],
    at: 'transformer.layers',
    layers: c.size('num_hidden_layers'),
    className: 'PixtralAttentionLayer',
    layer: [
      ...norm('attention_norm', hidden),
      ...mlp.parts,
      ...under(
        'attention',
        undefined,
        ...['k_proj', 'v_proj', 'q_proj', 'o_proj'].map((name) => linear(name, hidden, hidden)),
      ),
      ...norm('ffn_norm', hidden),
    ],
    mlp: mlp.shape,
  });
}

/** InternVLVisionModel (modeling_internvl.py): layer scales, and a class token. */
export function internVision(c: ConfigReader): Tower {
  const hidden = c.size('hidden_size');
  const width = c.size('intermediate_size');
  const patch = side(c, 'patch_size');
  const patches = Math.floor(side(c, 'image_size') / patch) ** 2;
  const bias = c.flag('attention_bias');
  const hasLayerNorm = c.text('norm_type') !== 'rms_norm';
  const norms = (name: string) => norm(name, hidden, hasLayerNorm);
  return tower('vision', {
    hidden,
    heads: c.size('num_attention_heads'),
    outside: under(
      'embeddings',
      undefined,
      parameter('cls_token', [1, 1, hidden]),
      c.flag('use_mask_token') ? parameter('mask_token', [1, 1, hidden]) : [],
      c.value('use_absolute_position_embeddings') === false
        ? []
        : parameter('position_embeddings', [1, patches + 1, hidden]),
      conv('patch_embeddings.projection', [hidden, c.size('num_channels'), patch, patch]),
    ),
    at: 'encoder.layer',
    layers: c.size('num_hidden_layers'),
    className: 'InternVLVisionLayer',
    layer: [
      ...parameter('lambda_1', [hidden]),
      ...parameter('lambda_2', [hidden]),
      ...under(
        'attention',
        undefined,
        ...['q_proj', 'k_proj', 'v_proj'].map((name) => linear(name, hidden, hidden, bias)),
        linear('projection_layer', hidden, hidden, true),
        c.flag('use_qk_norm') ? [...norm('q_norm', hidden), ...norm('k_norm', hidden)] : [],
      ),
      ...plainMlp(hidden, width, ['fc1', 'fc2'], true).parts,
      ...norms('layernorm_before'),
      ...norms('layernorm_after'),
    ],
    mlp: { intermediateSize: width, gated: false },
  });
}
