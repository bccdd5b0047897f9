import type { ConfigReader } from '../config';
import { attentionShape } from '../dimensions';
import { type Family, labels, languageHead, withParts } from '../family';
import { inside, type Layers, type Layout, type Stack, uniform } from '../layout';
import { conv, embedding, layerNorm, linear, type Tensor, under } from '../parts';

/** Encoder-decoders of BART's kind, by where they differ from it. */
interface Seq2Seq {
  readonly type: string;
  readonly name: string;
  /** Rows of the position tables beyond the positions; undefined: positions are computed, not kept. */
  readonly extraPositions?: number;
  /** LayerNorm after the embeddings. */
  readonly embeddingNorm: boolean;
  /** LayerNorm at the end of each stack. */
  readonly finalNorm: boolean;
}

const KINDS: readonly Seq2Seq[] = [
  { type: 'bart', name: 'Bart', extraPositions: 2, embeddingNorm: true, finalNorm: false },
  { type: 'mbart', name: 'MBart', extraPositions: 2, embeddingNorm: true, finalNorm: true },
  { type: 'pegasus', name: 'Pegasus', extraPositions: 0, embeddingNorm: false, finalNorm: true },
  { type: 'm2m_100', name: 'M2M100', embeddingNorm: false, finalNorm: true },
];

function seq2seq(kind: Seq2Seq): Family {
  return {
    types: [kind.type],
    architecture: `${kind.name}ForConditionalGeneration`,
    layout(c, architecture) {
      const body = bodyOf(c, kind);
      if (architecture === `${kind.name}Model`) return body;
      const whole = inside('model', body);
      if (architecture === `${kind.name}ForConditionalGeneration`) {
        return withParts(whole, languageHead(body.hiddenSize, body.vocabSize, body.tied));
      }
      if (architecture !== `${kind.name}ForSequenceClassification`) return undefined;
      const head = [
        ...linear('classification_head.dense', body.hiddenSize, body.hiddenSize, true),
        ...linear('classification_head.out_proj', body.hiddenSize, labels(c), true),
      ];
      return withParts(whole, under('', 'head', head));
    },
  };
}

function bodyOf(c: ConfigReader, kind: Seq2Seq): Layout {
  const hidden = c.size('d_model', 'hidden_size');
  const vocab = c.size('vocab_size');
  const positions = c.size('max_position_embeddings');
  const outside = (at: string) =>
    under(
      at,
      undefined,
      kind.extraPositions === undefined ? [] : embedding('embed_positions', positions + kind.extraPositions, hidden),
      kind.embeddingNorm ? layerNorm('layernorm_embedding', hidden) : [],
      kind.finalNorm ? layerNorm('layer_norm', hidden) : [],
    );
  return {
    hiddenSize: hidden,
    layers: c.size('encoder_layers', 'num_hidden_layers') + c.size('decoder_layers'),
    vocabSize: vocab,
    tied: c.value('tie_word_embeddings') !== false,
    maxPositions: positions,
    parts: [...embedding('shared', vocab, hidden), ...outside('encoder'), ...outside('decoder')],
    stacks: [half(c, kind.name, 'encoder', hidden, true), half(c, kind.name, 'decoder', hidden, true)],
  };
}

/** One stack; Whisper's key projections have no bias. */
function half(c: ConfigReader, name: string, at: 'encoder' | 'decoder', hidden: number, keyBias: boolean): Stack {
  const heads = c.size(`${at}_attention_heads`);
  const width = c.size(`${at}_ffn_dim`);
  const attention = (part: string) => [
    ...under(
      part,
      'attention',
      linear('k_proj', hidden, hidden, keyBias),
      ...['v_proj', 'q_proj', 'out_proj'].map((item) => linear(item, hidden, hidden, true)),
    ),
    ...layerNorm(`${part}_layer_norm`, hidden),
  ];
  const layer: Omit<Layers, 'count'> = {
    className: at === 'encoder' ? `${name}EncoderLayer` : `${name}DecoderLayer`,
    tower: at === 'encoder' ? 'encoder' : 'text',
    parts: [
      ...attention('self_attn'),
      ...(at === 'decoder' ? attention('encoder_attn') : []),
      ...under('', 'mlp', linear('fc1', hidden, width, true), linear('fc2', width, hidden, true)),
      ...layerNorm('final_layer_norm', hidden),
    ],
    attention: attentionShape({ heads, kvHeads: heads, headDim: Math.floor(hidden / heads) }),
    mlp: { intermediateSize: width, gated: false },
  };
  return uniform(`${at}.layers`, c.size(`${at}_layers`), layer);
}

/** WhisperModel (modeling_whisper.py): two convolutions over mel bins, then BART's layers; the head is the word table. */
const whisper: Family = {
  types: ['whisper'],
  architecture: 'WhisperForConditionalGeneration',
  layout(c, architecture) {
    const hidden = c.size('d_model', 'hidden_size');
    const vocab = c.size('vocab_size');
    const body: Layout = {
      hiddenSize: hidden,
      layers: c.size('encoder_layers') + c.size('decoder_layers'),
      vocabSize: vocab,
      tied: c.value('tie_word_embeddings') !== false,
      maxPositions: c.size('max_target_positions'),
      parts: [
        ...under('encoder', undefined, whisperFront(c, hidden), layerNorm('layer_norm', hidden)),
        ...under(
          'decoder',
          undefined,
          embedding('embed_tokens', vocab, hidden),
          embedding('embed_positions', c.size('max_target_positions'), hidden),
          layerNorm('layer_norm', hidden),
        ),
      ],
      stacks: [whisperEncoder(c, 'Whisper', hidden, true), half(c, 'Whisper', 'decoder', hidden, false)],
    };
    if (architecture === 'WhisperModel') return body;
    if (architecture !== 'WhisperForConditionalGeneration') return undefined;
    return withParts(inside('model', body), languageHead(hidden, vocab, body.tied, false, 'proj_out'));
  },
};

/** Convolutions and position table of Whisper's encoder; Qwen2-Audio has the same. */
export function whisperFront(c: ConfigReader, hidden: number): Tensor[] {
  return [
    ...conv('conv1', [hidden, c.size('num_mel_bins'), 3]),
    ...conv('conv2', [hidden, hidden, 3]),
    ...embedding('embed_positions', c.size('max_source_positions'), hidden),
  ];
}

/** The audio encoder, which other models take over; in Whisper every sample is heard, as 30 seconds whatever its length. */
export function whisperEncoder(c: ConfigReader, name: string, hidden: number, heard = false): Stack {
  const encoder = half(c, name, 'encoder', hidden, false);
  if (!heard) return encoder;
  const positions = c.size('max_source_positions');
  return { ...encoder, layers: encoder.layers.map((layers) => ({ ...layers, positions })) };
}

/** transformers 5.18.0, models/<type>/modeling_<type>.py. */
export const sequenceToSequence: readonly Family[] = [...KINDS.map(seq2seq), whisper];
