import type { ConfigReader } from '../config';
import { attentionShape } from '../dimensions';
import { type Family, labels } from '../family';
import { inside, type Layers, type Layout, uniform } from '../layout';
import { conv, embedding, layerNorm, linear, norm, parameter, type Tensor, under } from '../parts';

/** Sizes of an encoder of BERT's kind. */
interface Sizes {
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly width: number;
  readonly vocab: number;
  readonly positions: number;
}

interface Encoder {
  readonly types: readonly string[];
  /** Start of the class names, and the attribute that holds the base model in classes with a head. */
  readonly name: string;
  readonly base: string;
  readonly layerClass: string;
  readonly at?: string;
  readonly sizes?: (c: ConfigReader) => Sizes;
  /** Tensors beside the layers, of the base model without pooler. */
  readonly outside: (c: ConfigReader, s: Sizes) => Tensor[];
  readonly layer?: (c: ConfigReader, s: Sizes) => Tensor[];
  /** Pooler of the bare model and of the classes that keep it. */
  readonly pooler?: (s: Sizes) => Tensor[];
  /** Head by the end of the class name; a class that is not listed is not counted. */
  readonly heads: Readonly<Record<string, (c: ConfigReader, s: Sizes) => Head>>;
}

interface Head {
  readonly parts: readonly Tensor[];
  readonly pooler?: boolean;
}

function encoder(spec: Encoder): Family {
  return {
    types: spec.types,
    architecture: `${spec.name}Model`,
    layout(c, architecture) {
      const sizes = (spec.sizes ?? usualSizes)(c);
      const suffix = architecture.replace(/^.*?(?=For|Model$)/, '');
      const pooler = spec.pooler?.(sizes) ?? [];
      if (suffix === 'Model') return encoderLayout(c, spec, sizes, pooler);
      const head = spec.heads[suffix]?.(c, sizes);
      if (!head) return undefined;
      const body = inside(spec.base, encoderLayout(c, spec, sizes, head.pooler ? pooler : []));
      return { ...body, parts: [...body.parts, ...under('', 'head', [...head.parts])] };
    },
  };
}

function encoderLayout(c: ConfigReader, spec: Encoder, s: Sizes, pooler: readonly Tensor[]): Layout {
  const layer: Omit<Layers, 'count'> = {
    className: spec.layerClass,
    tower: 'encoder',
    parts: (spec.layer ?? bertLayer)(c, s),
    attention: attentionShape({ heads: s.heads, kvHeads: s.heads, headDim: Math.floor(s.hidden / s.heads) }),
    mlp: { intermediateSize: s.width, gated: false },
  };
  return {
    hiddenSize: s.hidden,
    layers: s.layers,
    vocabSize: s.vocab,
    tied: true,
    maxPositions: s.positions,
    parts: [...spec.outside(c, s), ...pooler],
    stacks: [uniform(spec.at ?? 'encoder.layer', s.layers, layer)],
  };
}

function usualSizes(c: ConfigReader): Sizes {
  return {
    hidden: c.size('hidden_size'),
    layers: c.size('num_hidden_layers'),
    heads: c.size('num_attention_heads'),
    width: c.size('intermediate_size'),
    vocab: c.size('vocab_size'),
    positions: c.size('max_position_embeddings'),
  };
}

/** BertLayer: biases everywhere, a LayerNorm after attention and after the MLP. */
function bertLayer(_: ConfigReader, { hidden, width }: Sizes): Tensor[] {
  return [
    ...under(
      'attention',
      'attention',
      ...['self.query', 'self.key', 'self.value', 'output.dense'].map((name) => linear(name, hidden, hidden, true)),
      layerNorm('output.LayerNorm', hidden),
    ),
    ...bertMlp(hidden, width),
  ];
}

function bertMlp(hidden: number, width: number): Tensor[] {
  return under(
    '',
    'mlp',
    linear('intermediate.dense', hidden, width, true),
    linear('output.dense', width, hidden, true),
    layerNorm('output.LayerNorm', hidden),
  );
}

/** Word, position and token-type tables of one width, and a LayerNorm. */
function bertEmbeddings(c: ConfigReader, s: Sizes, width = s.hidden): Tensor[] {
  const types = c.amount('type_vocab_size');
  return under(
    'embeddings',
    undefined,
    embedding('word_embeddings', s.vocab, width),
    embedding('position_embeddings', s.positions, width),
    types > 0 ? embedding('token_type_embeddings', types, width) : [],
    layerNorm('LayerNorm', width),
  );
}

const densePooler = ({ hidden }: Sizes) => under('pooler', 'other', linear('dense', hidden, hidden, true));

/** Transform, LayerNorm and one bias for each word; the matrix is the embedding (BertLMPredictionHead). */
function maskedHead(
  at: string,
  names: { dense: string; norm: string; bias: string },
  width?: (c: ConfigReader) => number,
) {
  return (c: ConfigReader, s: Sizes): Head => {
    const inner = width?.(c) ?? s.hidden;
    return {
      parts: under(
        at,
        undefined,
        linear(names.dense, s.hidden, inner, true),
        layerNorm(names.norm, inner),
        parameter(names.bias, [s.vocab]),
        // An untied head has its own matrix, which the usual case shares with the embedding.
        c.fields.tie_word_embeddings === false ? linear('decoder', inner, s.vocab) : [],
      ),
    };
  };
}

function classifier(pooler: boolean, outputs: (c: ConfigReader) => number = labels) {
  return (c: ConfigReader, s: Sizes): Head => ({ parts: linear('classifier', s.hidden, outputs(c), true), pooler });
}

/** RobertaClassificationHead: a dense layer before the projection. */
function twoLayerClassifier(c: ConfigReader, s: Sizes): Head {
  return {
    parts: [
      ...linear('classifier.dense', s.hidden, s.hidden, true),
      ...linear('classifier.out_proj', s.hidden, labels(c), true),
    ],
  };
}

const questions = (c: ConfigReader, s: Sizes): Head => ({ parts: linear('qa_outputs', s.hidden, labels(c), true) });

const ROBERTA_HEADS = {
  ForMaskedLM: maskedHead('lm_head', { dense: 'dense', norm: 'layer_norm', bias: 'bias' }),
  ForSequenceClassification: twoLayerClassifier,
  ForTokenClassification: classifier(false),
  ForQuestionAnswering: questions,
};

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

/** One group of layers is used again and again, so its parameters count once (AlbertTransformer, modeling_albert.py). */
function albert(): Family {
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

function debertaEmbeddings(c: ConfigReader, s: Sizes): Tensor[] {
  const width = c.optional('embedding_size') ?? s.hidden;
  const types = c.amount('type_vocab_size');
  return under(
    'embeddings',
    undefined,
    embedding('word_embeddings', s.vocab, width),
    c.value('position_biased_input') === false ? [] : embedding('position_embeddings', s.positions, width),
    types > 0 ? embedding('token_type_embeddings', types, width) : [],
    width === s.hidden ? [] : linear('embed_proj', width, s.hidden),
    layerNorm('LayerNorm', s.hidden),
  );
}

/** `max_relative_positions` below one means as many as there are positions. */
function relativePositions(c: ConfigReader, s: Sizes): number {
  const most = c.value('max_relative_positions');
  return typeof most === 'number' && most >= 1 ? most : s.positions;
}

function listed(c: ConfigReader, name: string): readonly string[] {
  const text = c.text(name);
  return (c.texts(name) ?? text?.split('|') ?? []).map((item) => item.trim().toLowerCase());
}

function debertaV2Outside(c: ConfigReader, s: Sizes): Tensor[] {
  const buckets = c.value('position_buckets');
  const positions = typeof buckets === 'number' && buckets > 0 ? 2 * buckets : 2 * relativePositions(c, s);
  const isRelative = c.flag('relative_attention');
  const kernel = c.optional('conv_kernel_size') ?? 0;
  return [
    ...debertaEmbeddings(c, s),
    ...under(
      'encoder',
      undefined,
      isRelative ? embedding('rel_embeddings', positions, s.hidden) : [],
      listed(c, 'norm_rel_ebd').includes('layer_norm') ? layerNorm('LayerNorm', s.hidden) : [],
      kernel > 0
        ? under(
            'conv',
            'other',
            conv('conv', [s.hidden, s.hidden / (c.optional('conv_groups') ?? 1), kernel]),
            layerNorm('LayerNorm', s.hidden),
          )
        : [],
    ),
  ];
}

/** DisentangledSelfAttention (modeling_deberta_v2.py:159): own projections of positions unless they share the keys'. */
function debertaV2Layer(c: ConfigReader, { hidden, width }: Sizes): Tensor[] {
  const types = listed(c, 'pos_att_type');
  const own = c.flag('relative_attention') && !c.flag('share_att_key');
  return [
    ...under(
      'attention',
      'attention',
      ...['self.query_proj', 'self.key_proj', 'self.value_proj'].map((name) => linear(name, hidden, hidden, true)),
      own && types.includes('c2p') ? linear('self.pos_key_proj', hidden, hidden, true) : [],
      own && types.includes('p2c') ? linear('self.pos_query_proj', hidden, hidden, true) : [],
      linear('output.dense', hidden, hidden, true),
      layerNorm('output.LayerNorm', hidden),
    ),
    ...bertMlp(hidden, width),
  ];
}

/** DisentangledSelfAttention of the first DeBERTa (modeling_deberta.py:170). */
function debertaLayer(c: ConfigReader, { hidden, width, heads }: Sizes): Tensor[] {
  const types = listed(c, 'pos_att_type');
  const isRelative = c.flag('relative_attention');
  const talking = c.flag('talking_head');
  return [
    ...under(
      'attention',
      'attention',
      linear('self.in_proj', hidden, 3 * hidden),
      parameter('self.q_bias', [hidden]),
      parameter('self.v_bias', [hidden]),
      talking
        ? [...linear('self.head_logits_proj', heads, heads), ...linear('self.head_weights_proj', heads, heads)]
        : [],
      isRelative && types.includes('c2p') ? linear('self.pos_proj', hidden, hidden) : [],
      isRelative && types.includes('p2c') ? linear('self.pos_q_proj', hidden, hidden, true) : [],
      linear('output.dense', hidden, hidden, true),
      layerNorm('output.LayerNorm', hidden),
    ),
    ...bertMlp(hidden, width),
  ];
}

/** ModernBertModel (modeling_modernbert.py:60, 246, 312, 420): the first layer has no norm before attention. */
function modernBert(): Family {
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
