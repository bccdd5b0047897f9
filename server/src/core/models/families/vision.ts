import type { ConfigReader } from '../config';
import { attentionShape, gatedMlp, plainMlp, type Sublayer } from '../dimensions';
import { type Family, labels } from '../family';
import { inside, type Layers, type Layout, uniform } from '../layout';
import type { MlpShape } from '../model';
import { conv, embedding, layerNorm, linear, parameter, type Tensor, under } from '../parts';
import { clipLayer, clipVision, placed, side, siglipVision, type Tower } from './towers';

interface Sizes {
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
}

function sizesOf(c: ConfigReader): Sizes {
  return { hidden: c.size('hidden_size'), layers: c.size('num_hidden_layers'), heads: c.size('num_attention_heads') };
}

/** Patches of an image of the size that the config gives. */
function patchesOf(c: ConfigReader): number {
  return Math.floor(side(c, 'image_size') / side(c, 'patch_size')) ** 2;
}

/** Class token, position table and patch convolution, as ViT and DINOv2 have them. */
function patchEmbeddings(c: ConfigReader, hidden: number, maskToken: Tensor[]): Tensor[] {
  const patch = side(c, 'patch_size');
  const patches = patchesOf(c);
  return under(
    'embeddings',
    'vision',
    parameter('cls_token', [1, 1, hidden]),
    maskToken,
    parameter('position_embeddings', [1, patches + 1, hidden]),
    conv('patch_embeddings.projection', [hidden, c.size('num_channels'), patch, patch]),
  );
}

function selfAttention(c: ConfigReader, hidden: number): Tensor[] {
  const bias = c.value('qkv_bias') !== false;
  return under(
    'attention',
    'attention',
    ...['q_proj', 'k_proj', 'v_proj'].map((name) => linear(name, hidden, hidden, bias)),
    linear('o_proj', hidden, hidden, true),
  );
}

function visionLayout(
  s: Sizes,
  o: {
    readonly outside: readonly Tensor[];
    readonly at: string;
    readonly className: string;
    readonly layer: readonly Tensor[];
    readonly mlp: MlpShape;
    readonly positions: number;
    readonly kind?: string;
  },
): Layout {
  const layer: Omit<Layers, 'count'> = {
    className: o.className,
    tower: 'vision',
    parts: o.layer,
    attention: attentionShape({ heads: s.heads, kvHeads: s.heads, headDim: Math.floor(s.hidden / s.heads) }),
    mlp: o.mlp,
    positions: o.positions,
    ...(o.kind !== undefined && { kind: o.kind }),
  };
  return {
    hiddenSize: s.hidden,
    layers: s.layers,
    vocabSize: 0,
    tied: false,
    maxPositions: undefined,
    parts: o.outside,
    stacks: [uniform(o.at, s.layers, layer)],
  };
}

/** ViTModel and ViTForImageClassification (transformers 5.18.0 modeling_vit.py). */
const vit: Family = {
  types: ['vit'],
  architecture: 'ViTModel',
  layout(c, architecture) {
    const s = sizesOf(c);
    const mlp = plainMlp(s.hidden, c.size('intermediate_size'), ['fc1', 'fc2'], true);
    const pooler = under(
      'pooler',
      'other',
      linear('dense', s.hidden, c.optional('pooler_output_size') ?? s.hidden, true),
    );
    const isBare = architecture === 'ViTModel';
    const body = visionLayout(s, {
      outside: [...patchEmbeddings(c, s.hidden, []), ...layerNorm('layernorm', s.hidden), ...(isBare ? pooler : [])],
      at: 'layers',
      className: 'ViTLayer',
      layer: [
        ...selfAttention(c, s.hidden),
        ...layerNorm('layernorm_before', s.hidden),
        ...layerNorm('layernorm_after', s.hidden),
        ...mlp.parts,
      ],
      mlp: mlp.shape,
      positions: patchesOf(c) + 1,
    });
    if (isBare) return body;
    if (architecture !== 'ViTForImageClassification') return undefined;
    const whole = inside('vit', body);
    return { ...whole, parts: [...whole.parts, ...under('', 'head', linear('classifier', s.hidden, labels(c), true))] };
  },
};

/** Dinov2Model and Dinov2ForImageClassification (modeling_dinov2.py): layer scales, and a gated MLP in the giant one. */
const dinov2: Family = {
  types: ['dinov2'],
  architecture: 'Dinov2Model',
  layout(c, architecture) {
    if (architecture !== 'Dinov2Model' && architecture !== 'Dinov2ForImageClassification') return undefined;
    const s = sizesOf(c);
    const { hidden } = s;
    const mlp = dinoMlp(c, hidden);
    const mask = c.value('use_mask_token') === false ? [] : parameter('mask_token', [1, hidden]);
    const body = visionLayout(s, {
      outside: [...patchEmbeddings(c, hidden, mask), ...layerNorm('layernorm', hidden)],
      at: 'encoder.layer',
      className: 'Dinov2Layer',
      layer: [
        ...layerNorm('norm1', hidden),
        ...selfAttention(c, hidden),
        ...parameter('layer_scale1.lambda1', [hidden]),
        ...layerNorm('norm2', hidden),
        ...mlp.parts,
        ...parameter('layer_scale2.lambda1', [hidden]),
      ],
      mlp: mlp.shape,
      positions: patchesOf(c) + 1,
      kind: c.flag('use_swiglu_ffn') ? 'gated' : '',
    });
    if (architecture === 'Dinov2Model') return body;
    // It looks at the class token and at the mean of the patches.
    const whole = inside('dinov2', body);
    return {
      ...whole,
      parts: [...whole.parts, ...under('', 'head', linear('classifier', 2 * hidden, labels(c), true))],
    };
  },
};

/** Dinov2SwiGLUFFN rounds two thirds of the width up to a multiple of eight. */
function dinoMlp(c: ConfigReader, hidden: number): Sublayer<MlpShape> {
  const width = Math.floor(hidden * c.size('mlp_ratio'));
  if (!c.flag('use_swiglu_ffn')) return plainMlp(hidden, width, ['fc1', 'fc2'], true);
  const gated = Math.floor((Math.floor((width * 2) / 3) + 7) / 8) * 8;
  return gatedMlp(hidden, gated, true);
}

/** A text tower and a vision tower side by side: CLIPModel and SiglipModel. */
function dual(o: {
  readonly type: string;
  readonly name: string;
  readonly tower: (c: ConfigReader) => Tower;
  /** Positions of the vision tower beside the patches. */
  readonly classTokens: number;
  readonly textEnd: (c: ConfigReader, t: ConfigReader, hidden: number) => Tensor[];
  readonly top: (c: ConfigReader, text: number, vision: number) => Tensor[];
}): Family {
  return {
    types: [o.type],
    architecture: `${o.name}Model`,
    layout(c, architecture) {
      if (architecture !== `${o.name}Model`) return undefined;
      const t = c.child('text_config', `${o.type}_text_model`, true);
      const s = sizesOf(t);
      const width = t.size('intermediate_size');
      const vocab = t.size('vocab_size');
      const longest = t.size('max_position_embeddings');
      const v = c.child('vision_config', `${o.type}_vision_model`, true);
      const seen = placed('vision_model', o.tower(v));
      const positions = patchesOf(v) + o.classTokens;
      // Every sample is a text and an image.
      const vision = seen.stacks.map((each) => ({
        ...each,
        layers: each.layers.map((layers) => ({ ...layers, positions })),
      }));
      const layer: Omit<Layers, 'count'> = {
        className: `${o.name}EncoderLayer`,
        tower: 'text',
        parts: clipLayer(s.hidden, width),
        attention: attentionShape({ heads: s.heads, kvHeads: s.heads, headDim: Math.floor(s.hidden / s.heads) }),
        mlp: { intermediateSize: width, gated: false },
      };
      return {
        hiddenSize: s.hidden,
        layers: s.layers,
        vocabSize: vocab,
        tied: false,
        maxPositions: longest,
        parts: [
          ...o.top(c, s.hidden, seen.hidden),
          ...under(
            'text_model',
            undefined,
            embedding('embeddings.token_embedding', vocab, s.hidden),
            embedding('embeddings.position_embedding', longest, s.hidden),
            layerNorm('final_layer_norm', s.hidden),
            o.textEnd(c, t, s.hidden),
          ),
          ...seen.parts,
        ],
        stacks: [uniform('text_model.encoder.layers', s.layers, layer), ...vision],
      };
    },
  };
}

/** transformers 5.18.0, models/<type>/modeling_<type>.py. */
export const visionModels: readonly Family[] = [
  vit,
  dinov2,
  dual({
    type: 'clip',
    name: 'CLIP',
    tower: clipVision,
    classTokens: 1,
    textEnd: () => [],
    top: (c, text, vision) => {
      const width = c.size('projection_dim');
      return [
        ...parameter('logit_scale', []),
        ...under('', 'projector', linear('visual_projection', vision, width), linear('text_projection', text, width)),
      ];
    },
  }),
  dual({
    type: 'siglip',
    name: 'Siglip',
    tower: siglipVision,
    classTokens: 0,
    textEnd: (_, t, hidden) =>
      under('', 'projector', linear('head', hidden, t.optional('projection_size') ?? hidden, true)),
    top: () => [...parameter('logit_scale', [1]), ...parameter('logit_bias', [1])],
  }),
];
