import type { ConfigReader } from './config';
import type { AttentionShape, MlpShape } from './model';
import { linear, norm, type Tensor, under } from './parts';

/** Widths of grouped-query attention, as nearly every decoder names them. */
export interface Heads {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/** Reads `num_attention_heads`, `num_key_value_heads` (else as many) and `head_dim` (else hidden size / heads). */
export function readHeads(c: ConfigReader, hidden: number): Heads {
  const heads = c.size('num_attention_heads');
  const kvHeads = c.optional('num_key_value_heads') ?? heads;
  return { heads, kvHeads, headDim: c.optional('head_dim') ?? headWidth(c, hidden, heads) };
}

/** Hidden size over heads; the classes refuse what does not divide. */
export function headWidth(c: ConfigReader, hidden: number, heads: number): number {
  if (hidden % heads !== 0) c.problem(`the hidden size ${hidden} is not a multiple of the number of heads ${heads}`);
  return Math.floor(hidden / heads);
}

/** Part of a layer: its tensors and what the estimator must know of it. */
export interface Sublayer<Shape> {
  readonly parts: readonly Tensor[];
  readonly shape: Shape;
}

export interface AttentionOptions {
  readonly qkvBias?: boolean;
  readonly outBias?: boolean;
  /** Norms of queries and keys. */
  readonly qkNorm?: readonly Tensor[];
  /** Further tensors of the module, such as attention sinks. */
  readonly extra?: readonly Tensor[];
  readonly names?: readonly [q: string, k: string, v: string, o: string];
  readonly window?: number | undefined;
  readonly at?: string;
  /** Query, key and value in one matrix of this name. */
  readonly fused?: string | undefined;
}

/** Query, key, value and output projections. */
export function attention(
  hidden: number,
  { heads, kvHeads, headDim }: Heads,
  options: AttentionOptions = {},
): Sublayer<AttentionShape> {
  const [q, k, v, o] = options.names ?? ['q_proj', 'k_proj', 'v_proj', 'o_proj'];
  const qkvBias = options.qkvBias ?? false;
  const inputs = options.fused
    ? linear(options.fused, hidden, (heads + 2 * kvHeads) * headDim, qkvBias)
    : [
        ...linear(q, hidden, heads * headDim, qkvBias),
        ...linear(k, hidden, kvHeads * headDim, qkvBias),
        ...linear(v, hidden, kvHeads * headDim, qkvBias),
      ];
  const parts = under(
    options.at ?? 'self_attn',
    'attention',
    inputs,
    linear(o, heads * headDim, hidden, options.outBias ?? false),
    [...(options.qkNorm ?? []), ...(options.extra ?? [])],
  );
  return { parts, shape: attentionShape({ heads, kvHeads, headDim }, options) };
}

/** The shape of plain attention over these heads. */
export function attentionShape(heads: Heads, options: AttentionOptions = {}): AttentionShape {
  return {
    ...heads,
    valueHeadDim: heads.headDim,
    kind: 'standard',
    qkNorm: (options.qkNorm?.length ?? 0) > 0,
    ...(options.window !== undefined && { window: options.window }),
  };
}

/** RMSNorm of each query and key head, as in Qwen3. */
export function headNorms(headDim: number): Tensor[] {
  return [...norm('q_norm', headDim), ...norm('k_norm', headDim)];
}

/** Gate, up and down projections (SwiGLU and its like). */
export function gatedMlp(hidden: number, width: number, bias = false, at = 'mlp'): Sublayer<MlpShape> {
  return {
    parts: under(
      at,
      'mlp',
      linear('gate_proj', hidden, width, bias),
      linear('up_proj', hidden, width, bias),
      linear('down_proj', width, hidden, bias),
    ),
    shape: { intermediateSize: width, gated: true },
  };
}

/** Gate and up in one matrix, as in Phi-3 and GLM. */
export function fusedGatedMlp(hidden: number, width: number, at = 'mlp'): Sublayer<MlpShape> {
  return {
    parts: under(at, 'mlp', linear('gate_up_proj', hidden, 2 * width), linear('down_proj', width, hidden)),
    shape: { intermediateSize: width, gated: true },
  };
}

/** Two matrices with an activation between them. */
export function plainMlp(
  hidden: number,
  width: number,
  names: readonly [string, string],
  bias: boolean,
  at = 'mlp',
): Sublayer<MlpShape> {
  return {
    parts: under(at, 'mlp', linear(names[0], hidden, width, bias), linear(names[1], width, hidden, bias)),
    shape: { intermediateSize: width, gated: false },
  };
}
