import type { ConfigReader } from '../config';
import { attentionShape } from '../dimensions';
import { type Family, labels } from '../family';
import { inside, type Layers, type Layout } from '../layout';
import { embedding, linear, norm, type Tensor, under } from '../parts';
import { type Sizes, usualSizes } from './bert';

/** ModernBertModel (modeling_modernbert.py:60, 246, 312, 420): the first layer has no norm before attention. */
export function modernBert(): Family {
  return {
    types: ['modernbert'],
    architecture: 'ModernBertModel',
    layout(c, architecture) {
      const s = usualSizes(c);
      const { hidden, width } = s;
      const bias = c.flag('norm_bias');
      const mlpBias = c.flag('mlp_bias');
      const attentionBias = c.flag('attention_bias');
      const layer = (first: boolean): Omit<Layers, 'count'> => ({
        className: 'ModernBertEncoderLayer',
        tower: 'encoder',
        parts: [
          ...under(
            'attn',
            'attention',
            linear('Wqkv', hidden, 3 * hidden, attentionBias),
            linear('Wo', hidden, hidden, attentionBias),
          ),
          ...norm('mlp_norm', hidden, bias),
          ...under('mlp', 'mlp', linear('Wi', hidden, 2 * width, mlpBias), linear('Wo', width, hidden, mlpBias)),
          ...(first ? [] : norm('attn_norm', hidden, bias)),
        ],
        attention: attentionShape({ heads: s.heads, kvHeads: s.heads, headDim: Math.floor(hidden / s.heads) }),
        mlp: { intermediateSize: width, gated: true },
      });
      const body: Layout = {
        hiddenSize: hidden,
        layers: s.layers,
        vocabSize: s.vocab,
        tied: c.flag('tie_word_embeddings'),
        maxPositions: s.positions,
        parts: [
          ...embedding('embeddings.tok_embeddings', s.vocab, hidden),
          ...norm('embeddings.norm', hidden, bias),
          ...norm('final_norm', hidden, bias),
        ],
        stacks: [
          {
            at: 'layers',
            layers: [{ ...layer(true), count: 1 }, ...(s.layers > 1 ? [{ ...layer(false), count: s.layers - 1 }] : [])],
          },
        ],
      };
      if (architecture === 'ModernBertModel') return body;
      const head = [
        ...linear('head.dense', hidden, hidden, c.flag('classifier_bias')),
        ...norm('head.norm', hidden, bias),
      ];
      const last = modernBertOutput(c, architecture, s, body.tied);
      if (!last) return undefined;
      const whole = inside('model', body);
      return { ...whole, parts: [...whole.parts, ...under('', 'head', head, last)] };
    },
  };
}

function modernBertOutput(c: ConfigReader, architecture: string, s: Sizes, tied: boolean): Tensor[] | undefined {
  if (architecture === 'ModernBertForMaskedLM') {
    const decoder = linear('decoder', s.hidden, s.vocab, c.value('decoder_bias') !== false);
    return tied ? decoder.filter((part) => part.name.endsWith('.bias')) : decoder;
  }
  return /For(Sequence|Token)Classification$/.test(architecture)
    ? linear('classifier', s.hidden, labels(c), true)
    : undefined;
}
