import type { ConfigReader } from '../config';
import { decoder, qwenSliding } from '../decoder';
import { type Heads, headNorms, type Sublayer } from '../dimensions';
import { mixture, mixtureOf } from '../experts';
import type { Family } from '../family';
import type { MlpShape } from '../model';
import { linear, norm, parameter } from '../parts';

/** Sparse unless named dense, or off the step (Qwen2MoeDecoderLayer, transformers 5.18.0 modeling_qwen2_moe.py:365). */
export function qwenSparse(c: ConfigReader, layer: number): boolean {
  const step = c.optional('decoder_sparse_step') ?? 1;
  return (
    !(c.numbers('mlp_only_layers') ?? []).includes(layer) &&
    c.amount('num_experts', 'num_local_experts') > 0 &&
    (layer + 1) % step === 0
  );
}

const everyLayer = () => true;

/** Experts without anything beside them; `names` are the fields that name their number. */
function plain(at: string, width = 'intermediate_size') {
  return (c: ConfigReader, hidden: number): Sublayer<MlpShape> =>
    mixture(hidden, {
      at,
      count: c.size('num_local_experts', 'num_experts'),
      perToken: c.size('num_experts_per_tok'),
      width: c.size(width),
    });
}

/** Routed experts with one shared expert behind a gate (Qwen2MoeSparseMoeBlock). */
export function qwenShared(c: ConfigReader, hidden: number): Sublayer<MlpShape> {
  return mixture(hidden, {
    count: c.size('num_experts', 'num_local_experts'),
    perToken: c.size('num_experts_per_tok'),
    width: c.size('moe_intermediate_size'),
    sharedWidth: c.amount('shared_expert_intermediate_size'),
    sharedAt: 'shared_expert',
    extra: linear('shared_expert_gate', hidden, 1),
  });
}

const wideNorms = (_: ConfigReader, { heads, kvHeads, headDim }: Heads) => [
  ...norm('q_norm', heads * headDim),
  ...norm('k_norm', kvHeads * headDim),
];

/** transformers 5.18.0, models/<type>/modeling_<type>.py. */
export const mixtures: readonly Family[] = [
  decoder({ types: ['mixtral'], name: 'Mixtral', moe: { at: everyLayer, layer: plain('mlp') }, sliding: everyLayer }),
  decoder({
    types: ['qwen2_moe'],
    name: 'Qwen2Moe',
    qkvBias: 'qkv_bias',
    moe: { at: qwenSparse, layer: qwenShared },
    sliding: qwenSliding,
  }),
  decoder({
    types: ['qwen3_moe'],
    name: 'Qwen3Moe',
    qkvBias: 'attention_bias',
    outBias: 'attention_bias',
    qkNorm: (_, heads) => headNorms(heads.headDim),
    moe: { at: qwenSparse, layer: plain('mlp', 'moe_intermediate_size') },
    sliding: (c) => c.flag('use_sliding_window'),
  }),
  decoder({
    types: ['qwen3_vl_moe_text'],
    name: 'Qwen3VLMoe',
    layerClass: 'Qwen3VLMoeTextDecoderLayer',
    qkvBias: 'attention_bias',
    outBias: 'attention_bias',
    qkNorm: (_, heads) => headNorms(heads.headDim),
    moe: { at: qwenSparse, layer: plain('mlp', 'moe_intermediate_size') },
  }),
  decoder({
    types: ['olmoe'],
    name: 'Olmoe',
    qkvBias: 'attention_bias',
    outBias: 'attention_bias',
    qkNorm: wideNorms,
    moe: { at: everyLayer, layer: plain('mlp') },
  }),
  decoder({
    types: ['granitemoe'],
    name: 'GraniteMoe',
    qkvBias: 'attention_bias',
    outBias: 'attention_bias',
    moe: {
      at: everyLayer,
      layer: (c, hidden) =>
        mixture(hidden, {
          at: 'block_sparse_moe',
          count: c.size('num_local_experts', 'num_experts'),
          perToken: c.size('num_experts_per_tok'),
          width: c.size('intermediate_size'),
          router: parameter('router.weight', [c.size('num_local_experts', 'num_experts'), hidden]),
        }),
    },
  }),
  decoder({
    types: ['phimoe'],
    name: 'Phimoe',
    normKind: 'layer',
    qkvBias: 'attention_bias',
    outBias: 'attention_bias',
    headBias: 'lm_head_bias',
    sliding: everyLayer,
    moe: {
      at: everyLayer,
      layer: (c, hidden) =>
        mixture(hidden, {
          count: c.size('num_local_experts', 'num_experts'),
          perToken: c.size('num_experts_per_tok'),
          width: c.size('intermediate_size'),
          router: linear('router', hidden, c.size('num_local_experts', 'num_experts')),
        }),
    },
  }),
  decoder({
    types: ['ernie4_5_moe'],
    name: 'Ernie4_5_Moe',
    qkvBias: 'use_bias',
    outBias: 'use_bias',
    mlpBias: 'use_bias',
    headBias: 'use_bias',
    moe: { at: ernieSparse, layer: ernieExperts },
  }),
  decoder({
    types: ['gpt_oss'],
    name: 'GptOss',
    qkvBias: 'attention_bias',
    outBias: 'attention_bias',
    attentionExtra: (_, { heads }) => parameter('sinks', [heads]),
    sliding: (_, layer) => layer % 2 === 0,
    moe: { at: everyLayer, layer: gptOssExperts },
  }),
  decoder({
    types: ['minimax_m2'],
    name: 'MiniMaxM2',
    qkNorm: wideNorms,
    moe: { at: everyLayer, layer: plain('mlp') },
  }),
];

/** Ernie4_5_MoeDecoderLayer, modeling_ernie4_5_moe.py:407. */
function ernieSparse(c: ConfigReader, layer: number): boolean {
  const last = c.value('moe_layer_end_index') === -1 ? undefined : c.optional('moe_layer_end_index');
  return (
    (layer + 1) % (c.optional('moe_layer_interval') ?? 1) === 0 &&
    layer >= (c.optional('moe_layer_start_index') ?? 1) &&
    layer <= (last ?? Number.POSITIVE_INFINITY)
  );
}

function ernieExperts(c: ConfigReader, hidden: number): Sublayer<MlpShape> {
  const count = c.size('moe_num_experts');
  const width = c.size('moe_intermediate_size');
  return mixture(hidden, {
    count,
    perToken: c.size('moe_k'),
    width,
    router: [
      ...parameter('gate.weight', [count, hidden]),
      ...parameter('gate.moe_statics.e_score_correction_bias', [1, count]),
    ],
    sharedWidth: c.amount('moe_num_shared_experts') * width,
    sharedBias: c.flag('use_bias'),
  });
}

/** GptOssExperts keeps its matrices transposed and has biases. */
function gptOssExperts(c: ConfigReader, hidden: number): Sublayer<MlpShape> {
  const count = c.size('num_local_experts', 'num_experts');
  const width = c.size('intermediate_size');
  const router = [...parameter('router.weight', [count, hidden]), ...parameter('router.bias', [count])];
  return mixtureOf(hidden, { count, perToken: c.size('num_experts_per_tok', 'experts_per_token'), width, router }, [
    ...parameter('experts.gate_up_proj', [count, hidden, 2 * width], 'expert-stack'),
    ...parameter('experts.gate_up_proj_bias', [count, 2 * width], 'expert-stack'),
    ...parameter('experts.down_proj', [count, width, hidden], 'expert-stack'),
    ...parameter('experts.down_proj_bias', [count, hidden], 'expert-stack'),
  ]);
}
