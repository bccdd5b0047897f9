import type { ConfigReader } from '../config';
import { attentionShape, type Heads, headWidth, type Sublayer } from '../dimensions';
import { type Layers, type Layout, stack } from '../layout';
import type { AttentionShape, MlpShape } from '../model';
import { linear, type Tensor, under } from '../parts';

/** What the decoders before Llama have in common: LayerNorm, one matrix for query, key and value, a plain MLP. */
interface Gpt {
  readonly hidden: number;
  readonly layers: number;
  readonly vocab: number;
  readonly positions: number | undefined;
  /** Name of the list of layers, and class of a layer. */
  readonly at: string;
  readonly className: string;
  readonly outside: readonly Tensor[];
  readonly attention: Sublayer<AttentionShape>;
  readonly mlp: Sublayer<MlpShape>;
  readonly norms: readonly Tensor[];
  /** Layers that look back over a window only. */
  readonly windowAt?: (layer: number) => number | undefined;
}

/** The layout of one of these decoders. */
export function gptLayout(c: ConfigReader, gpt: Gpt): Layout {
  const layer = (window: number | undefined): Omit<Layers, 'count'> => ({
    className: gpt.className,
    tower: 'text',
    parts: [...gpt.attention.parts, ...gpt.mlp.parts, ...gpt.norms],
    attention: window === undefined ? gpt.attention.shape : { ...gpt.attention.shape, window },
    mlp: gpt.mlp.shape,
  });
  const windowAt = gpt.windowAt ?? (() => undefined);
  return {
    hiddenSize: gpt.hidden,
    layers: gpt.layers,
    vocabSize: gpt.vocab,
    tied: c.flag('tie_word_embeddings'),
    maxPositions: gpt.positions,
    parts: gpt.outside,
    stacks: [
      stack(
        gpt.at,
        gpt.layers,
        (index) => String(windowAt(index)),
        (index) => layer(windowAt(index)),
      ),
    ],
  };
}

/** Query, key and value in one matrix, then the output projection. */
export function fusedAttention(
  at: string,
  hidden: number,
  heads: Heads,
  names: readonly [string, string],
  bias: boolean,
): Sublayer<AttentionShape> {
  const width = (heads.heads + 2 * heads.kvHeads) * heads.headDim;
  return {
    parts: under(
      at,
      'attention',
      linear(names[0], hidden, width, bias),
      linear(names[1], heads.heads * heads.headDim, hidden, bias),
    ),
    shape: attentionShape(heads),
  };
}

/** transformers' Conv1D keeps its weight as [inputs, outputs]; it is a linear layer all the same. */
export function transposed(parts: readonly Tensor[]): Tensor[] {
  return parts.map((part) => (part.shape.length === 2 ? { ...part, shape: [...part.shape].reverse() } : part));
}

/** Heads that split the hidden size between them. */
export function equalHeads(c: ConfigReader, heads: number, hidden: number, kvHeads = heads): Heads {
  return { heads, kvHeads, headDim: headWidth(c, hidden, heads) };
}
