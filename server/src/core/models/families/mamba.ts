import type { ConfigReader } from '../config';
import { attention, gatedMlp, readHeads } from '../dimensions';
import { mixture } from '../experts';
import { type Layers, type Layout, stack } from '../layout';
import { conv, embedding, linear, norm, parameter, type Tensor, under } from '../parts';

/** Mamba's selective state space (MambaMixer, modeling_mamba.py:296); Jamba adds three norms. */
function mamba1(
  hidden: number,
  o: { inner: number; state: number; rank: number; kernel: number; bias: boolean; convBias: boolean; norms: boolean },
): Tensor[] {
  return [
    ...parameter('A_log', [o.inner, o.state]),
    ...parameter('D', [o.inner]),
    ...conv('conv1d', [o.inner, 1, o.kernel], o.convBias),
    ...linear('in_proj', hidden, 2 * o.inner, o.bias),
    ...linear('x_proj', o.inner, o.rank + 2 * o.state),
    ...linear('dt_proj', o.rank, o.inner, true),
    ...linear('out_proj', o.inner, hidden, o.bias),
    ...(o.norms
      ? [...norm('dt_layernorm', o.rank), ...norm('b_layernorm', o.state), ...norm('c_layernorm', o.state)]
      : []),
  ];
}

/** MambaModel: layers of mixers, no attention. */
export function mambaBody(c: ConfigReader): Layout {
  const hidden = c.size('hidden_size');
  const rank = c.value('time_step_rank') === 'auto' ? Math.ceil(hidden / 16) : c.size('time_step_rank');
  const mixer = mamba1(hidden, {
    inner: Math.floor((c.optional('expand') ?? 2) * hidden),
    state: c.size('state_size'),
    rank,
    kernel: c.size('conv_kernel'),
    bias: c.flag('use_bias'),
    convBias: c.flag('use_conv_bias'),
    norms: false,
  });
  return bodyOf(c, {
    embeddings: 'embeddings',
    finalNorm: 'norm_f',
    layers: c.size('num_hidden_layers', 'n_layer'),
    kindOf: () => '',
    layer: () => ({
      className: 'MambaBlock',
      tower: 'text',
      parts: [...norm('norm', hidden), ...under('mixer', 'attention', mixer)],
    }),
  });
}

/** A layer of Jamba: attention or a mixer, then a dense MLP or experts. */
export function jambaLayer(c: ConfigReader, layer: number): Omit<Layers, 'count'> {
  const hidden = c.size('hidden_size');
  const isAttention = layer % c.size('attn_layer_period') === c.amount('attn_layer_offset');
  const isSparse = jambaSparse(c, layer);
  const self = isAttention ? attention(hidden, readHeads(c, hidden)) : undefined;
  const rank = c.value('mamba_dt_rank') === 'auto' ? Math.ceil(hidden / 16) : c.size('mamba_dt_rank');
  const mixer =
    self?.parts ??
    under(
      'mamba',
      'attention',
      mamba1(hidden, {
        inner: c.size('mamba_expand') * hidden,
        state: c.size('mamba_d_state'),
        rank,
        kernel: c.size('mamba_d_conv'),
        bias: c.flag('mamba_proj_bias'),
        convBias: c.flag('mamba_conv_bias'),
        norms: true,
      }),
    );
  const width = c.size('intermediate_size');
  const experts = c.size('num_experts', 'num_local_experts');
  const mlp = isSparse
    ? mixture(hidden, {
        at: 'feed_forward',
        count: experts,
        perToken: c.size('num_experts_per_tok'),
        width,
        router: linear('router', hidden, experts),
      })
    : gatedMlp(hidden, width, false, 'feed_forward');
  return {
    className: isAttention ? 'JambaAttentionDecoderLayer' : 'JambaMambaDecoderLayer',
    tower: 'text',
    parts: [...mixer, ...mlp.parts, ...norm('input_layernorm', hidden), ...norm('pre_ff_layernorm', hidden)],
    ...(self && { attention: self.shape }),
    mlp: mlp.shape,
  };
}

/** Whether a layer of Jamba has experts. */
export function jambaSparse(c: ConfigReader, layer: number): boolean {
  const experts = c.size('num_experts', 'num_local_experts');
  return experts > 1 && layer % c.size('expert_layer_period') === c.amount('expert_layer_offset');
}

/** A decoder without position table whose layers differ by kind. */
export function bodyOf(
  c: ConfigReader,
  o: {
    readonly embeddings: string;
    readonly finalNorm: string;
    readonly layers: number;
    readonly kindOf: (layer: number) => string;
    readonly layer: (layer: number) => Omit<Layers, 'count'>;
  },
): Layout {
  const hidden = c.size('hidden_size');
  const vocab = c.size('vocab_size');
  return {
    hiddenSize: hidden,
    layers: o.layers,
    vocabSize: vocab,
    tied: c.flag('tie_word_embeddings'),
    maxPositions: c.limit('max_position_embeddings'),
    parts: [...embedding(o.embeddings, vocab, hidden), ...norm(o.finalNorm, hidden)],
    stacks: [stack('layers', o.layers, o.kindOf, o.layer)],
  };
}
