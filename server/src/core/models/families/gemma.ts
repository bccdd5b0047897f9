import type { ConfigReader } from '../config';
import { gatedMlp, type Sublayer } from '../dimensions';
import { decoderFamily, type Family } from '../family';
import { type Layers, type Layout, stack } from '../layout';
import type { AttentionShape, MlpShape } from '../model';
import { embedding, linear, norm, parameter, type Tensor, under } from '../parts';

/** Gemma 3n and 4: layers that share keys and values, and an own small embedding for each layer. */
interface Gemma {
  readonly className: string;
  /** Every `pattern`-th layer attends to everything. */
  readonly pattern: number;
  /** In Gemma 4 full-attention layers have wider heads, and may have other key heads. */
  readonly isFourth: boolean;
}

const NORMS = [
  'input_layernorm',
  'post_attention_layernorm',
  'pre_feedforward_layernorm',
  'post_feedforward_layernorm',
];

function gemmaBody(c: ConfigReader, gemma: Gemma): Layout {
  const hidden = c.size('hidden_size');
  const vocab = c.size('vocab_size');
  const layers = c.size('num_hidden_layers');
  const perLayer = c.amount('hidden_size_per_layer_input');
  return {
    hiddenSize: hidden,
    layers,
    vocabSize: vocab,
    tied: c.flag('tie_word_embeddings'),
    maxPositions: c.limit('max_position_embeddings'),
    parts: [
      ...embedding('embed_tokens', vocab, hidden),
      ...norm('norm', hidden),
      ...(perLayer === 0 ? [] : perLayerInputs(c, hidden, layers, perLayer)),
      ...(gemma.isFourth ? [] : altUpOutside(c, hidden)),
    ],
    stacks: [
      stack(
        'layers',
        layers,
        (layer) => `${isSliding(c, gemma, layer, layers)} ${kindOf(c, gemma, layer, layers)} ${widthAt(c, layer)}`,
        (layer) => layerOf(c, gemma, hidden, layer, layers),
      ),
    ],
  };
}

function perLayerInputs(c: ConfigReader, hidden: number, layers: number, width: number): Tensor[] {
  return [
    ...embedding('embed_tokens_per_layer', c.size('vocab_size_per_layer_input'), layers * width),
    ...linear('per_layer_model_projection', hidden, layers * width),
    ...norm('per_layer_projection_norm', width),
  ];
}

function layerOf(c: ConfigReader, gemma: Gemma, hidden: number, layer: number, layers: number): Omit<Layers, 'count'> {
  const sliding = isSliding(c, gemma, layer, layers);
  const shared = sharesKeys(c, layer, layers);
  const self = attentionOf(c, gemma, hidden, sliding, shared);
  const doubled =
    gemma.isFourth && c.flag('use_double_wide_mlp') && shared && c.amount('num_kv_shared_layers') < layers;
  const mlp = gatedMlp(hidden, widthAt(c, layer) * (doubled ? 2 : 1));
  const perLayer = c.amount('hidden_size_per_layer_input');
  const moe = gemma.isFourth && c.flag('enable_moe_block') ? gemmaExperts(c, hidden) : undefined;
  return {
    className: gemma.className,
    tower: 'text',
    parts: [
      ...self.parts,
      ...mlp.parts,
      ...NORMS.flatMap((name) => norm(name, hidden)),
      ...(gemma.isFourth ? [] : altUp(c, hidden)),
      ...(moe?.parts ?? []),
      ...(perLayer === 0
        ? []
        : [
            ...linear('per_layer_input_gate', hidden, perLayer),
            ...linear('per_layer_projection', perLayer, hidden),
            ...norm('post_per_layer_input_norm', hidden),
          ]),
    ],
    attention: self.shape,
    kind: kindOf(c, gemma, layer, layers),
    mlp: moe ? { ...moe.shape, intermediateSize: widthAt(c, layer) } : mlp.shape,
  };
}

/** The last layer of Gemma 4 always attends to everything (configuration_gemma4.py). */
function isSliding(c: ConfigReader, gemma: Gemma, layer: number, layers: number): boolean {
  if (gemma.isFourth && layer === layers - 1) return false;
  const types = c.texts('layer_types');
  return types ? types[layer] === 'sliding_attention' : (layer + 1) % gemma.pattern !== 0;
}

/**
 * What a layer keeps hangs on: whether it has keys of its own; in Gemma 4 an input of its own, and values apart from its keys; in
 * Gemma 3n an activation that sets most to zero (modeling_gemma3n.py:959, 5.23).
 */
function kindOf(c: ConfigReader, gemma: Gemma, layer: number, layers: number): string {
  const words: string[] = [];
  const shared = sharesKeys(c, layer, layers);
  if (shared) words.push('shared');
  if (gemma.isFourth && c.amount('hidden_size_per_layer_input') === 0) words.push('plain');
  if (gemma.isFourth && !shared && !isSliding(c, gemma, layer, layers) && c.flag('attention_k_eq_v'))
    words.push('tied');
  if (!gemma.isFourth && sparsityAt(c, layer, layers) > 0) words.push('sparse');
  return words.join(' ');
}

/** configuration_gemma3n.py: the first ten layers, where the model has more and does not say. */
function sparsityAt(c: ConfigReader, layer: number, layers: number): number {
  return c.numbers('activation_sparsity_pattern')?.[layer] ?? (layers > 10 && layer < 10 ? 0.95 : 0);
}

/** The last layers take their keys and values from an earlier one, and have no matrices for them. */
function sharesKeys(c: ConfigReader, layer: number, layers: number): boolean {
  const first = layers - c.amount('num_kv_shared_layers');
  return layer >= first && first > 0;
}

/** `intermediate_size` may be a list with one width for each layer. */
function widthAt(c: ConfigReader, layer: number): number {
  return c.numbers('intermediate_size')?.[layer] ?? c.size('intermediate_size');
}

function attentionOf(
  c: ConfigReader,
  gemma: Gemma,
  hidden: number,
  sliding: boolean,
  shared: boolean,
): Sublayer<AttentionShape> {
  const heads = c.size('num_attention_heads');
  const isWide = gemma.isFourth && !sliding;
  const headDim = isWide ? (c.optional('global_head_dim') ?? 512) : c.size('head_dim');
  const keysAreValues = isWide && c.flag('attention_k_eq_v');
  const kvHeads =
    (keysAreValues ? c.optional('num_global_key_value_heads') : undefined) ?? c.size('num_key_value_heads');
  const bias = c.flag('attention_bias');
  const window = sliding ? c.limit('sliding_window') : undefined;
  return {
    parts: under(
      'self_attn',
      'attention',
      linear('q_proj', hidden, heads * headDim, bias),
      norm('q_norm', headDim),
      shared
        ? []
        : [
            ...norm('k_norm', headDim),
            ...linear('k_proj', hidden, kvHeads * headDim, bias),
            ...(keysAreValues ? [] : linear('v_proj', hidden, kvHeads * headDim, bias)),
          ],
      linear('o_proj', heads * headDim, hidden, bias),
    ),
    shape: {
      heads,
      kvHeads,
      headDim,
      valueHeadDim: headDim,
      kind: 'standard',
      qkNorm: true,
      ...(window !== undefined && { window }),
    },
  };
}

/** Gemma4TextRouter and Gemma4TextExperts beside the dense MLP, with three more norms. */
function gemmaExperts(c: ConfigReader, hidden: number): Sublayer<MlpShape> {
  const count = c.size('num_experts');
  const width = c.size('moe_intermediate_size');
  return {
    parts: [
      ...under(
        'router',
        'router',
        parameter('scale', [hidden]),
        parameter('per_expert_scale', [count]),
        linear('proj', hidden, count),
      ),
      ...under(
        'experts',
        'expert',
        parameter('gate_up_proj', [count, 2 * width, hidden], 'expert-stack'),
        parameter('down_proj', [count, hidden, width], 'expert-stack'),
      ),
      ...['post_feedforward_layernorm_1', 'post_feedforward_layernorm_2', 'pre_feedforward_layernorm_2'].flatMap(
        (name) => norm(name, hidden),
      ),
    ],
    shape: {
      intermediateSize: width,
      gated: true,
      moe: {
        experts: count,
        expertsPerToken: c.size('top_k_experts'),
        expertIntermediateSize: width,
        sharedIntermediateSize: c.size('intermediate_size'),
      },
    },
  };
}

/** Gemma3nTextAltUp and Gemma3nTextLaurelBlock (modeling_gemma3n.py). */
function altUp(c: ConfigReader, hidden: number): Tensor[] {
  const inputs = c.size('altup_num_inputs');
  const rank = c.size('laurel_rank');
  return [
    ...under(
      'altup',
      'other',
      parameter('correct_output_scale', [hidden]),
      linear('correction_coefs', inputs, inputs),
      linear('prediction_coefs', inputs, inputs ** 2),
      linear('modality_router', hidden, inputs),
      norm('router_norm', hidden),
    ),
    ...under(
      'laurel',
      'other',
      linear('linear_left', hidden, rank),
      linear('linear_right', rank, hidden),
      norm('post_laurel_norm', hidden),
    ),
  ];
}

function altUpOutside(c: ConfigReader, hidden: number): Tensor[] {
  const more = c.size('altup_num_inputs') - 1;
  return ['altup_projections', 'altup_unembed_projections']
    .flatMap((name) => under('', 'other', linear(`${name}.*`, hidden, hidden)))
    .map((part) => ({ ...part, count: more }));
}

/** transformers 5.18.0, models/gemma3n and models/gemma4. */
export const gemmaText: readonly Family[] = [
  decoderFamily({
    types: ['gemma3n_text'],
    architecture: 'Gemma3nForCausalLM',
    body: (c) => gemmaBody(c, { className: 'Gemma3nTextDecoderLayer', pattern: 5, isFourth: false }),
  }),
  decoderFamily({
    types: ['gemma4_text'],
    architecture: 'Gemma4ForCausalLM',
    body: (c) => gemmaBody(c, { className: 'Gemma4TextDecoderLayer', pattern: 6, isFourth: true }),
  }),
];
