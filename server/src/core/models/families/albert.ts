import { attentionShape } from '../dimensions';
import { type Family, labels } from '../family';
import { inside, type Layers, type Layout, uniform } from '../layout';
import { layerNorm, linear, type Tensor, under } from '../parts';
import { bertEmbeddings, type Sizes, usualSizes } from './bert';

/** One group of layers is used again and again, so its parameters count once (AlbertTransformer, modeling_albert.py). */
export function albert(): Family {
  return {
    types: ['albert'],
    architecture: 'AlbertModel',
    layout(c, architecture) {
      const s = usualSizes(c);
      const width = c.size('embedding_size');
      const groups = c.size('num_hidden_groups');
      const inner = c.size('inner_group_num');
      const parts = [
        ...bertEmbeddings(c, s, width),
        ...linear('encoder.embedding_hidden_mapping_in', width, s.hidden, true),
      ];
      const layer: Omit<Layers, 'count'> = {
        className: 'AlbertLayer',
        tower: 'encoder',
        parts: albertLayer(s),
        attention: attentionShape({ heads: s.heads, kvHeads: s.heads, headDim: Math.floor(s.hidden / s.heads) }),
        mlp: { intermediateSize: s.width, gated: false },
      };
      const body: Layout = {
        hiddenSize: s.hidden,
        layers: s.layers,
        vocabSize: s.vocab,
        tied: true,
        maxPositions: s.positions,
        parts,
        stacks: [uniform('encoder.albert_layer_groups.*.albert_layers', groups * inner, layer)],
      };
      const pooler = under('', 'other', linear('pooler', s.hidden, s.hidden, true));
      if (architecture === 'AlbertModel') return { ...body, parts: [...parts, ...pooler] };
      if (architecture !== 'AlbertForSequenceClassification') return undefined;
      const whole = inside('albert', { ...body, parts: [...parts, ...pooler] });
      return {
        ...whole,
        parts: [...whole.parts, ...under('', 'head', linear('classifier', s.hidden, labels(c), true))],
      };
    },
  };
}

function albertLayer({ hidden, width }: Sizes): Tensor[] {
  return [
    ...layerNorm('full_layer_layer_norm', hidden),
    ...under(
      'attention',
      'attention',
      ...['query', 'key', 'value', 'dense'].map((name) => linear(name, hidden, hidden, true)),
      layerNorm('LayerNorm', hidden),
    ),
    ...under('', 'mlp', linear('ffn', hidden, width, true), linear('ffn_output', width, hidden, true)),
  ];
}
