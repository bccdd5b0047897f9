import type { ConfigReader } from '../config';
import { attentionShape } from '../dimensions';
import { type Family, languageHead } from '../family';
import { type Layers, type Layout, type Stack, stack } from '../layout';
import { embedding, linear, norm, type Tensor, under } from '../parts';

interface Sizes {
  readonly hidden: number;
  readonly heads: number;
  readonly headDim: number;
  readonly width: number;
  readonly vocab: number;
  readonly isGated: boolean;
  readonly buckets: number;
}

/** T5 and mT5 (transformers 5.18.0 modeling_t5.py): no biases, and position biases in the first block of each stack only. */
export const t5Like: readonly Family[] = [t5('t5', 'T5'), t5('mt5', 'MT5')];

function t5(type: string, name: string): Family {
  return {
    types: [type],
    architecture: `${name}ForConditionalGeneration`,
    layout(c, architecture) {
      const s = sizesOf(c);
      const encoder = half('encoder', name, s, c.size('num_layers', 'num_hidden_layers'));
      const shared = embedding('shared', s.vocab, s.hidden);
      const ends = (at: string) => norm(`${at}.final_layer_norm`, s.hidden);
      if (architecture === `${name}EncoderModel`) return layoutOf(c, s, [...shared, ...ends('encoder')], [encoder]);
      const decoder = half('decoder', name, s, c.optional('num_decoder_layers') ?? c.size('num_layers'));
      const parts = [...shared, ...ends('encoder'), ...ends('decoder')];
      if (architecture === `${name}Model`) return layoutOf(c, s, parts, [encoder, decoder]);
      if (!/^M?T5(ForConditionalGeneration|WithLMHeadModel)$/.test(architecture)) return undefined;
      const head = languageHead(s.hidden, s.vocab, isTied(c));
      return layoutOf(c, s, [...parts, ...head], [encoder, decoder]);
    },
  };
}

/**
 * T5 1.0 ties its head, and says nothing of it; 1.1 says `false`. transformers 5.18 builds the class tied in any case, but
 * keeps the head of a checkpoint that has one.
 */
function isTied(c: ConfigReader): boolean {
  return c.value('tie_word_embeddings') !== false;
}

function sizesOf(c: ConfigReader): Sizes {
  return {
    hidden: c.size('d_model', 'hidden_size'),
    heads: c.size('num_heads', 'num_attention_heads'),
    headDim: c.size('d_kv', 'head_dim'),
    width: c.size('d_ff'),
    vocab: c.size('vocab_size'),
    isGated: (c.text('feed_forward_proj') ?? '').startsWith('gated-'),
    buckets: c.size('relative_attention_num_buckets'),
  };
}

function layoutOf(c: ConfigReader, s: Sizes, parts: readonly Tensor[], stacks: readonly Stack[]): Layout {
  return {
    hiddenSize: s.hidden,
    layers: stacks.flatMap((item) => item.layers).reduce((sum, kind) => sum + kind.count, 0),
    vocabSize: s.vocab,
    tied: isTied(c),
    maxPositions: undefined,
    parts,
    stacks,
  };
}

function half(at: 'encoder' | 'decoder', name: string, s: Sizes, layers: number): Stack {
  return stack(
    `${at}.block`,
    layers,
    (layer) => String(layer === 0),
    (layer): Omit<Layers, 'count'> => ({
      className: `${name}Block`,
      tower: at === 'encoder' ? 'encoder' : 'text',
      parts: under('layer.*', undefined, block(at, s, layer === 0)),
      attention: attentionShape({ heads: s.heads, kvHeads: s.heads, headDim: s.headDim }),
      mlp: { intermediateSize: s.width, gated: s.isGated },
    }),
  );
}

function block(at: 'encoder' | 'decoder', s: Sizes, isFirst: boolean): Tensor[] {
  const inputs = s.isGated ? ['wi_0', 'wi_1'] : ['wi'];
  const norms = norm('layer_norm', s.hidden).map((part) => ({ ...part, count: at === 'encoder' ? 2 : 3 }));
  return [
    ...projections('SelfAttention', s),
    ...(isFirst ? embedding('SelfAttention.relative_attention_bias', s.buckets, s.heads) : []),
    ...(at === 'decoder' ? projections('EncDecAttention', s) : []),
    ...under(
      'DenseReluDense',
      'mlp',
      ...inputs.map((name) => linear(name, s.hidden, s.width)),
      linear('wo', s.width, s.hidden),
    ),
    ...norms,
  ];
}

function projections(name: string, { hidden, heads, headDim }: Sizes): Tensor[] {
  return under(
    name,
    'attention',
    ...['q', 'k', 'v'].map((part) => linear(part, hidden, heads * headDim)),
    linear('o', heads * headDim, hidden),
  );
}
