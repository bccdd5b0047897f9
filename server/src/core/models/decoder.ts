import type { ConfigReader } from './config';
import { attention, fusedGatedMlp, gatedMlp, type Heads, plainMlp, readHeads, type Sublayer } from './dimensions';
import { decoderFamily, type Family } from './family';
import { type Layers, type Layout, stack } from './layout';
import type { AttentionShape, MlpShape } from './model';
import { embedding, norm, type Tensor } from './parts';

/** A bias that is always there or never, or that a config field switches. */
export type Bias = boolean | string;

/** A decoder, by where it differs from Llama; what is not said is as in Llama. */
export interface Decoder {
  readonly types: readonly string[];
  /** Start of the class names: `Llama` gives LlamaDecoderLayer and LlamaForCausalLM. */
  readonly name: string;
  readonly layerClass?: string;
  readonly qkvBias?: Bias;
  readonly outBias?: Bias;
  readonly mlpBias?: Bias;
  /** `gated`: gate, up, down. `fused`: gate and up in one. A pair: two matrices of these names. */
  readonly mlp?: 'gated' | 'fused' | readonly [string, string];
  /** Mixture of experts, in the layers for which `at` holds. */
  readonly moe?: {
    readonly at: (c: ConfigReader, layer: number) => boolean;
    readonly layer: (c: ConfigReader, hidden: number) => Sublayer<MlpShape>;
  };
  /** Attention, or what stands in its place, where it is more than projections of heads; undefined: the usual one. */
  readonly attention?: (
    c: ConfigReader,
    hidden: number,
    layer: number,
    window: number | undefined,
  ) => Sublayer<AttentionShape | undefined> | undefined;
  /** What else makes layers differ in what they keep, in words of {@link Block.kind}. */
  readonly kind?: (c: ConfigReader, layer: number) => string;
  /** What else makes layers differ. */
  readonly kindOf?: (c: ConfigReader, layer: number) => string;
  /** Norms of a layer. */
  readonly norms?: readonly string[] | ((c: ConfigReader, layer: number) => readonly string[]);
  readonly finalNorm?: string;
  /** RMSNorm has no bias, LayerNorm has one, OLMo's norm has nothing at all. */
  readonly normKind?: 'rms' | 'layer' | 'none';
  /** Norms of queries and keys, which are in the attention module. */
  readonly qkNorm?: (c: ConfigReader, heads: Heads) => Tensor[];
  /** Further tensors of the attention module. */
  readonly attentionExtra?: (c: ConfigReader, heads: Heads) => Tensor[];
  /** Further tensors of a layer. */
  readonly extra?: (c: ConfigReader, hidden: number, layer: number) => Tensor[];
  /** Further tensors beside the layers. */
  readonly outside?: (c: ConfigReader, hidden: number) => Tensor[];
  /** Name of the output projection of attention. */
  readonly out?: string;
  /** Query, key and value in one matrix of this name. */
  readonly fusedQkv?: string;
  readonly headBias?: Bias;
  /** Which layers look back over a window only; overridden by the config's `layer_types`. */
  readonly sliding?: (c: ConfigReader, layer: number) => boolean;
}

/** A family whose tensors have the names of Llama's; the spec says where it differs. */
export function decoder(spec: Decoder): Family {
  return decoderFamily({
    types: spec.types,
    architecture: `${spec.name}ForCausalLM`,
    body: (c) => llamaBody(c, spec),
    headBias: (c) => bias(c, spec.headBias),
  });
}

/** Embedding, layers and last norm under the names of Llama. */
export function llamaBody(c: ConfigReader, spec: Decoder): Layout {
  const hidden = c.size('hidden_size');
  const vocab = c.size('vocab_size');
  const layers = c.size('num_hidden_layers');
  const heads = spec.attention ? undefined : readHeads(c, hidden);
  const kindOf = (layer: number) =>
    `${slides(c, spec, layer)} ${spec.moe?.at(c, layer) ?? false} ${spec.kindOf?.(c, layer) ?? ''} ${spec.kind?.(c, layer) ?? ''}`;
  return {
    hiddenSize: hidden,
    layers,
    vocabSize: vocab,
    tied: c.flag('tie_word_embeddings'),
    maxPositions: c.limit('max_position_embeddings'),
    parts: [
      ...embedding('embed_tokens', vocab, hidden),
      ...(spec.outside?.(c, hidden) ?? []),
      ...normOf(spec, spec.finalNorm ?? 'norm', hidden),
    ],
    stacks: [stack('layers', layers, kindOf, (layer) => layerOf(c, spec, hidden, heads, layer))],
  };
}

function layerOf(
  c: ConfigReader,
  spec: Decoder,
  hidden: number,
  heads: Heads | undefined,
  layer: number,
): Omit<Layers, 'count'> {
  const names = typeof spec.norms === 'function' ? spec.norms(c, layer) : (spec.norms ?? LLAMA_NORMS);
  const window = slides(c, spec, layer) ? c.limit('sliding_window') : undefined;
  const self =
    spec.attention?.(c, hidden, layer, window) ??
    usualAttention(c, spec, hidden, heads ?? readHeads(c, hidden), window);
  const mlp = spec.moe?.at(c, layer) ? spec.moe.layer(c, hidden) : mlpOf(c, spec, hidden);
  return {
    className: spec.layerClass ?? `${spec.name}DecoderLayer`,
    tower: 'text',
    parts: [
      ...self.parts,
      ...mlp.parts,
      ...names.flatMap((name) => normOf(spec, name, hidden)),
      ...(spec.extra?.(c, hidden, layer) ?? []),
    ],
    ...(self.shape && { attention: self.shape }),
    mlp: mlp.shape,
    kind: spec.kind?.(c, layer) ?? '',
  };
}

/** Before attention and before the MLP. */
export const LLAMA_NORMS = ['input_layernorm', 'post_attention_layernorm'];

function usualAttention(
  c: ConfigReader,
  spec: Decoder,
  hidden: number,
  heads: Heads,
  window: number | undefined,
): Sublayer<AttentionShape> {
  return attention(hidden, heads, {
    qkvBias: bias(c, spec.qkvBias),
    outBias: bias(c, spec.outBias),
    qkNorm: spec.qkNorm?.(c, heads) ?? [],
    extra: spec.attentionExtra?.(c, heads) ?? [],
    names: ['q_proj', 'k_proj', 'v_proj', spec.out ?? 'o_proj'],
    fused: spec.fusedQkv,
    window,
  });
}

function mlpOf(c: ConfigReader, spec: Decoder, hidden: number): Sublayer<MlpShape> {
  const width = c.size('intermediate_size');
  const mlp = spec.mlp ?? 'gated';
  if (mlp === 'gated') return gatedMlp(hidden, width, bias(c, spec.mlpBias));
  return mlp === 'fused' ? fusedGatedMlp(hidden, width) : plainMlp(hidden, width, mlp, bias(c, spec.mlpBias));
}

function normOf(spec: Decoder, name: string, width: number): Tensor[] {
  return spec.normKind === 'none' ? [] : norm(name, width, spec.normKind === 'layer');
}

/** Whether a layer has a bias: always, never, or as a field of the config says. */
export function bias(c: ConfigReader, rule: Bias | undefined): boolean {
  return typeof rule === 'string' ? c.flag(rule) : (rule ?? false);
}

function slides(c: ConfigReader, spec: Decoder, layer: number): boolean {
  const types = c.texts('layer_types');
  if (types) return types[layer] === 'sliding_attention';
  return spec.sliding?.(c, layer) ?? false;
}

/** Every layer slides but each `pattern`-th, as in Gemma 2 and 3, Command R7B and OLMo 3. */
export function allBut(pattern: number) {
  return (c: ConfigReader, layer: number) => (layer + 1) % (c.optional('sliding_window_pattern') ?? pattern) !== 0;
}

/** Qwen's windows begin at layer `max_window_layers`, when they are on at all. */
export function qwenSliding(c: ConfigReader, layer: number): boolean {
  return c.flag('use_sliding_window') && layer >= (c.optional('max_window_layers') ?? 0);
}
