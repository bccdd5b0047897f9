import type { ConfigReader } from '../config';
import { type Family, labels } from '../family';
import { embedding, layerNorm, linear, type Tensor, under } from '../parts';
import { albert } from './albert';
import { bertEmbeddings, bertMlp, densePooler, type Sizes } from './bert';
import { debertaEmbeddings, debertaLayer, debertaV2Layer, debertaV2Outside, relativePositions } from './deberta';
import { classifier, maskedHead, questions, ROBERTA_HEADS, twoLayerClassifier } from './encoder-heads';
import { encoder } from './encoder-layout';
import { modernBert } from './modernbert';

/** LegacyDebertaOnlyMLMHead (modeling_deberta.py:754, 5.23), which `legacy` takes and which is what it is by default. */
const legacyHead = maskedHead('cls.predictions', {
  dense: 'transform.dense',
  norm: 'transform.LayerNorm',
  bias: 'bias',
});

/** transformers 5.18.0, models/<type>/modeling_<type>.py. */
export const encoders: readonly Family[] = [
  encoder({
    types: ['bert'],
    name: 'Bert',
    base: 'bert',
    layerClass: 'BertLayer',
    outside: bertEmbeddings,
    pooler: densePooler,
    heads: {
      ForMaskedLM: maskedHead('cls.predictions', {
        dense: 'transform.dense',
        norm: 'transform.LayerNorm',
        bias: 'bias',
      }),
      ForPreTraining: (c, s) => ({
        parts: [
          ...maskedHead('cls.predictions', { dense: 'transform.dense', norm: 'transform.LayerNorm', bias: 'bias' })(
            c,
            s,
          ).parts,
          ...linear('cls.seq_relationship', s.hidden, 2, true),
        ],
        pooler: true,
      }),
      ForSequenceClassification: classifier(true),
      ForTokenClassification: classifier(false),
      ForQuestionAnswering: questions,
    },
  }),
  ...(
    [
      ['roberta', 'Roberta'],
      ['xlm-roberta', 'XLMRoberta'],
    ] as const
  ).map(([type, name]) =>
    encoder({
      types: [type],
      name,
      base: 'roberta',
      layerClass: `${name}Layer`,
      outside: bertEmbeddings,
      pooler: densePooler,
      heads: ROBERTA_HEADS,
    }),
  ),
  encoder({
    types: ['electra'],
    name: 'Electra',
    base: 'electra',
    layerClass: 'ElectraLayer',
    outside: (c, s) => {
      const width = c.size('embedding_size');
      return [
        ...bertEmbeddings(c, s, width),
        ...(width === s.hidden ? [] : linear('embeddings_project', width, s.hidden, true)),
      ];
    },
    heads: {
      ForPreTraining: (_, s) => ({
        parts: [
          ...linear('discriminator_predictions.dense', s.hidden, s.hidden, true),
          ...linear('discriminator_predictions.dense_prediction', s.hidden, 1, true),
        ],
      }),
      ForSequenceClassification: twoLayerClassifier,
      ForTokenClassification: classifier(false),
      ForQuestionAnswering: questions,
    },
  }),
  encoder({
    types: ['distilbert'],
    name: 'DistilBert',
    base: 'distilbert',
    layerClass: 'TransformerBlock',
    at: 'transformer.layer',
    sizes: (c) => ({
      hidden: c.size('dim', 'hidden_size'),
      layers: c.size('n_layers', 'num_hidden_layers'),
      heads: c.size('n_heads', 'num_attention_heads'),
      width: c.size('hidden_dim'),
      vocab: c.size('vocab_size'),
      positions: c.size('max_position_embeddings'),
    }),
    outside: (_, s) =>
      under(
        'embeddings',
        undefined,
        embedding('word_embeddings', s.vocab, s.hidden),
        embedding('position_embeddings', s.positions, s.hidden),
        layerNorm('LayerNorm', s.hidden),
      ),
    layer: (_, { hidden, width }) => [
      ...under(
        'attention',
        'attention',
        ...['q_lin', 'k_lin', 'v_lin', 'out_lin'].map((name) => linear(name, hidden, hidden, true)),
      ),
      ...layerNorm('sa_layer_norm', hidden),
      ...under('ffn', 'mlp', linear('lin1', hidden, width, true), linear('lin2', width, hidden, true)),
      ...layerNorm('output_layer_norm', hidden),
    ],
    heads: {
      ForMaskedLM: (c, s) => ({
        parts: [
          ...linear('vocab_transform', s.hidden, s.hidden, true),
          ...layerNorm('vocab_layer_norm', s.hidden),
          ...linear('vocab_projector', s.hidden, s.vocab, true).filter(
            (part) => part.name.endsWith('.bias') || c.fields.tie_word_embeddings === false,
          ),
        ],
      }),
      ForSequenceClassification: (c, s) => ({
        parts: [
          ...linear('pre_classifier', s.hidden, s.hidden, true),
          ...linear('classifier', s.hidden, labels(c), true),
        ],
      }),
      ForTokenClassification: classifier(false),
      ForQuestionAnswering: questions,
    },
  }),
  encoder({
    types: ['mpnet'],
    name: 'MPNet',
    base: 'mpnet',
    layerClass: 'MPNetLayer',
    outside: (c, s) => [
      ...under(
        'embeddings',
        undefined,
        embedding('word_embeddings', s.vocab, s.hidden),
        embedding('position_embeddings', s.positions, s.hidden),
        layerNorm('LayerNorm', s.hidden),
      ),
      ...embedding('encoder.relative_attention_bias', c.size('relative_attention_num_buckets'), s.heads),
    ],
    layer: (_, { hidden, width }) => [
      ...under(
        'attention',
        'attention',
        ...['attn.q', 'attn.k', 'attn.v', 'attn.o'].map((name) => linear(name, hidden, hidden, true)),
        layerNorm('LayerNorm', hidden),
      ),
      ...bertMlp(hidden, width),
    ],
    pooler: densePooler,
    heads: { ForSequenceClassification: twoLayerClassifier, ForTokenClassification: classifier(false) },
  }),
  albert(),
  encoder({
    types: ['esm'],
    name: 'Esm',
    base: 'esm',
    layerClass: 'EsmLayer',
    outside: esmOutside,
    layer: (_, { hidden, width }) => [
      ...under(
        'attention',
        'attention',
        ...['self.query', 'self.key', 'self.value', 'output.dense'].map((name) => linear(name, hidden, hidden, true)),
        layerNorm('LayerNorm', hidden),
      ),
      ...under(
        '',
        'mlp',
        linear('intermediate.dense', hidden, width, true),
        linear('output.dense', width, hidden, true),
        layerNorm('LayerNorm', hidden),
      ),
    ],
    pooler: densePooler,
    heads: {
      ForMaskedLM: maskedHead('lm_head', { dense: 'dense', norm: 'layer_norm', bias: 'bias' }),
      ForSequenceClassification: twoLayerClassifier,
      ForTokenClassification: classifier(false),
    },
  }),
  encoder({
    types: ['deberta-v2'],
    name: 'DebertaV2',
    base: 'deberta',
    layerClass: 'DebertaV2Layer',
    outside: debertaV2Outside,
    layer: debertaV2Layer,
    heads: {
      ForMaskedLM: legacyHead,
      ForSequenceClassification: (c, s) => ({
        parts: [
          ...linear('pooler.dense', s.hidden, s.hidden, true),
          ...linear('classifier', s.hidden, labels(c), true),
        ],
      }),
      ForTokenClassification: classifier(false),
      ForQuestionAnswering: questions,
    },
  }),
  encoder({
    types: ['deberta'],
    name: 'Deberta',
    base: 'deberta',
    layerClass: 'DebertaLayer',
    outside: (c, s) => [
      ...debertaEmbeddings(c, s),
      ...(c.flag('relative_attention')
        ? embedding('encoder.rel_embeddings', 2 * relativePositions(c, s), s.hidden)
        : []),
    ],
    layer: debertaLayer,
    heads: {
      ForMaskedLM: legacyHead,
      ForSequenceClassification: (c, s) => ({
        parts: [
          ...linear('pooler.dense', s.hidden, s.hidden, true),
          ...linear('classifier', s.hidden, labels(c), true),
        ],
      }),
      ForTokenClassification: classifier(false),
      ForQuestionAnswering: questions,
    },
  }),
  modernBert(),
];

/** Rotary ESM-2 has no position table (EsmEmbeddings, modeling_esm.py:205). */
function esmOutside(c: ConfigReader, s: Sizes): Tensor[] {
  const isRotary = c.text('position_embedding_type') === 'rotary';
  return [
    ...under(
      'embeddings',
      undefined,
      embedding('word_embeddings', s.vocab, s.hidden),
      isRotary ? [] : embedding('position_embeddings', s.positions, s.hidden),
      c.flag('emb_layer_norm_before') ? layerNorm('layer_norm', s.hidden) : [],
    ),
    ...layerNorm('encoder.emb_layer_norm_after', s.hidden),
    ...under('contact_head', 'other', linear('regression', s.layers * s.heads, 1, true)),
  ];
}
