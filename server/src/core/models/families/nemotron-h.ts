import { ownValue } from '../../own-value';
import type { ConfigReader } from '../config';
import { attention, plainMlp, readHeads, type Sublayer } from '../dimensions';
import { mixtureOf } from '../experts';
import type { Layers, Layout } from '../layout';
import type { MlpShape } from '../model';
import { conv, linear, norm, parameter, type Tensor, under } from '../parts';
import { bodyOf } from './mamba';

const NEMOTRON_KINDS: Readonly<Record<string, string>> = {
  M: 'linear_attention',
  mamba: 'linear_attention',
  E: 'moe',
  '*': 'full_attention',
  attention: 'full_attention',
  '-': 'mlp',
};

/** The kind of each layer, from `layers_block_type` or the older pattern of letters (configuration_nemotron_h.py). */
function nemotronKinds(c: ConfigReader): readonly string[] {
  const types = c.texts('layers_block_type', 'layer_types');
  const pattern = c.text('hybrid_override_pattern');
  const kinds = types ?? (pattern === undefined ? ['linear_attention', 'moe', 'full_attention', 'mlp'] : [...pattern]);
  return kinds.map((kind) => ownValue(NEMOTRON_KINDS, kind) ?? kind);
}

/** NemotronHMamba2Mixer (modeling_nemotron_h.py:369). */
function mamba2(c: ConfigReader, hidden: number): Tensor[] {
  const heads = c.size('mamba_num_heads');
  const inner = heads * c.size('mamba_head_dim');
  const convDim = inner + 2 * c.size('n_groups', 'mamba_n_groups') * c.size('ssm_state_size');
  const bias = c.flag('use_bias');
  return under(
    'mixer',
    'attention',
    parameter('dt_bias', [heads]),
    parameter('A_log', [heads]),
    parameter('D', [heads]),
    conv('conv1d', [convDim, 1, c.size('conv_kernel', 'mamba_d_conv')], c.flag('use_conv_bias', 'mamba_conv_bias')),
    linear('in_proj', hidden, inner + convDim + heads, bias),
    norm('norm', inner),
    linear('out_proj', inner, hidden, bias),
  );
}

/** Experts of two matrices, on a narrower latent width where there is one (NemotronHMoE, modeling_nemotron_h.py:692). */
function nemotronExperts(c: ConfigReader, hidden: number): Sublayer<MlpShape> {
  const count = c.size('n_routed_experts', 'num_local_experts');
  const width = c.size('moe_intermediate_size');
  const latent = c.optional('moe_latent_size');
  const bias = c.flag('mlp_bias');
  const sharedWidth = c.size('moe_shared_expert_intermediate_size');
  const moe = mixtureOf(
    hidden,
    {
      at: 'mixer',
      count,
      perToken: c.size('num_experts_per_tok'),
      width,
      extra: [
        ...plainMlp(hidden, sharedWidth, ['up_proj', 'down_proj'], bias, 'shared_experts').parts,
        ...(latent === undefined
          ? []
          : [...linear('fc1_latent_proj', hidden, latent, bias), ...linear('fc2_latent_proj', latent, hidden, bias)]),
      ],
    },
    [
      ...parameter('experts.up_proj', [count, width, latent ?? hidden], 'expert-stack'),
      ...parameter('experts.down_proj', [count, latent ?? hidden, width], 'expert-stack'),
    ],
  );
  const shape: MlpShape = { ...moe.shape, gated: false };
  return {
    ...moe,
    shape: shape.moe ? { ...shape, moe: { ...shape.moe, sharedIntermediateSize: sharedWidth } } : shape,
  };
}

/** Each block of Nemotron-H is a mixer of one kind behind one norm. */
function nemotronLayer(c: ConfigReader, hidden: number, kind: string): Omit<Layers, 'count'> {
  const block = { className: 'NemotronHBlock', tower: 'text' as const };
  const before = norm('norm', hidden);
  if (kind === 'full_attention') {
    const self = attention(hidden, readHeads(c, hidden), { at: 'mixer' });
    return { ...block, parts: [...before, ...self.parts], attention: self.shape };
  }
  if (kind === 'mlp' || kind === 'moe') {
    const mlp =
      kind === 'moe'
        ? nemotronExperts(c, hidden)
        : plainMlp(hidden, c.size('intermediate_size'), ['up_proj', 'down_proj'], c.flag('mlp_bias'), 'mixer');
    return { ...block, parts: [...before, ...mlp.parts], mlp: mlp.shape };
  }
  if (kind !== 'linear_attention') c.problem(`layers_block_type has "${kind}", which Shardlens does not know`);
  const state = { width: c.size('ssm_state_size'), groups: c.size('n_groups', 'mamba_n_groups') };
  return { ...block, parts: [...before, ...mamba2(c, hidden)], state };
}

/** NemotronHModel: Mamba-2, attention, MLP and expert layers in the order the config gives. */
export function nemotronBody(c: ConfigReader): Layout {
  const hidden = c.size('hidden_size');
  const kinds = nemotronKinds(c);
  return bodyOf(c, {
    embeddings: 'embeddings',
    finalNorm: 'norm_f',
    layers: kinds.length,
    kindOf: (layer) => kinds[layer] ?? '',
    layer: (layer) => nemotronLayer(c, hidden, kinds[layer] ?? ''),
  });
}
