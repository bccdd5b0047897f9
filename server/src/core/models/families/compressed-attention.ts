import type { ConfigReader } from '../config';
import type { Sublayer } from '../dimensions';
import type { AttentionShape } from '../model';
import { linear, norm, parameter, type Tensor, under } from '../parts';

const COMPRESSION: Readonly<Record<number, string>> = {
  0: 'sliding_attention',
  4: 'compressed_sparse_attention',
  128: 'heavily_compressed_attention',
};

/** configuration_deepseek_v4.py:266: explicit types, else the older ratios, else a fixed interleave. */
export function compression(c: ConfigReader, layer: number): string {
  const types = c.texts('layer_types');
  if (types) return types[layer] ?? '';
  const ratio = c.numbers('compress_ratios')?.[layer];
  if (ratio !== undefined) return COMPRESSION[ratio] ?? '';
  const name = layer < 2 || layer % 2 === 0 ? 'heavily_compressed_attention' : 'compressed_sparse_attention';
  return name;
}

function compressionRate(c: ConfigReader, kind: string): number {
  const rates = c.child('compress_rates', '');
  if (kind === 'compressed_sparse_attention') {
    return c.optional('compress_rate_csa') ?? rates.optional('compressed_sparse_attention') ?? 4;
  }
  return c.optional('compress_rate_hca') ?? rates.optional('heavily_compressed_attention') ?? 128;
}

/** DeepseekV4Attention (modeling_deepseek_v4.py:758): one shared key head, and a compressor in all but the sliding layers. */
export function compressedAttention(c: ConfigReader, hidden: number, layer: number): Sublayer<AttentionShape> {
  const heads = c.size('num_attention_heads');
  const headDim = c.size('head_dim');
  const qRank = c.size('q_lora_rank');
  const groups = c.size('o_groups');
  const outRank = groups * c.size('o_lora_rank');
  const kind = compression(c, layer);
  const window = c.limit('sliding_window');
  return {
    parts: under(
      'self_attn',
      'attention',
      parameter('sinks', [heads]),
      linear('q_a_proj', hidden, qRank),
      norm('q_a_norm', qRank),
      linear('q_b_proj', qRank, heads * headDim),
      linear('kv_proj', hidden, headDim),
      norm('kv_norm', headDim),
      linear('o_a_proj', (heads * headDim) / groups, outRank),
      linear('o_b_proj', outRank, hidden),
      compressor(c, hidden, kind, headDim),
    ),
    shape: {
      heads,
      kvHeads: 1,
      headDim,
      valueHeadDim: headDim,
      kind: 'standard',
      qkNorm: true,
      ...(kind === 'sliding_attention' && window !== undefined && { window }),
    },
  };
}

function compressor(c: ConfigReader, hidden: number, kind: string, headDim: number): Tensor[] {
  if (kind === 'sliding_attention') return [];
  const rate = compressionRate(c, kind);
  const sparse = kind === 'compressed_sparse_attention';
  const wide = (width: number) => [
    ...parameter('position_bias', [rate, width]),
    ...linear('kv_proj', hidden, width),
    ...linear('gate_proj', hidden, width),
  ];
  const index = c.size('index_head_dim');
  const indexHeads = c.size('index_n_heads');
  return under(
    'compressor',
    undefined,
    wide(sparse ? 2 * headDim : headDim),
    norm('kv_norm', headDim),
    sparse
      ? under(
          'indexer',
          undefined,
          wide(2 * index),
          norm('kv_norm', index),
          linear('q_b_proj', c.size('q_lora_rank'), indexHeads * index),
          linear('scorer.weights_proj', hidden, indexHeads),
        )
      : [],
  );
}

/** Hyper-connections mix `hc_mult` residual streams (DeepseekV4HyperConnection, modeling_deepseek_v4.py:937). */
export function hyperConnection(c: ConfigReader, hidden: number, name: string): Tensor[] {
  const streams = c.size('hc_mult');
  const rows = (2 + streams) * streams;
  return under(
    name,
    'other',
    parameter('fn', [rows, streams * hidden]),
    parameter('base', [rows]),
    parameter('scale', [3]),
  );
}

/** Joins the residual streams before the last norm. */
export function hyperHead(c: ConfigReader, hidden: number): Tensor[] {
  const streams = c.size('hc_mult');
  return under(
    'hc_head',
    'other',
    parameter('hc_fn', [streams, streams * hidden]),
    parameter('hc_base', [streams]),
    parameter('hc_scale', [1]),
  );
}
