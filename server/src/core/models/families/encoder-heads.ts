import type { ConfigReader } from '../config';
import { labels } from '../family';
import { layerNorm, linear, parameter, type Tensor, under } from '../parts';
import type { Sizes } from './bert';

export interface Head {
  readonly parts: readonly Tensor[];
  readonly pooler?: boolean;
}

/** Transform, LayerNorm and one bias for each word; the matrix is the embedding (BertLMPredictionHead). */
export function maskedHead(
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

/** One projection, over tokens or over the pooled text. */
export function classifier(pooler: boolean, outputs: (c: ConfigReader) => number = labels) {
  return (c: ConfigReader, s: Sizes): Head => ({ parts: linear('classifier', s.hidden, outputs(c), true), pooler });
}

/** RobertaClassificationHead: a dense layer before the projection. */
export function twoLayerClassifier(c: ConfigReader, s: Sizes): Head {
  return {
    parts: [
      ...linear('classifier.dense', s.hidden, s.hidden, true),
      ...linear('classifier.out_proj', s.hidden, labels(c), true),
    ],
  };
}

/** Start and end of an answer. */
export const questions = (c: ConfigReader, s: Sizes): Head => ({
  parts: linear('qa_outputs', s.hidden, labels(c), true),
});

/** Heads of RoBERTa and of the models that copy its classes. */
export const ROBERTA_HEADS = {
  ForMaskedLM: maskedHead('lm_head', { dense: 'dense', norm: 'layer_norm', bias: 'bias' }),
  ForSequenceClassification: twoLayerClassifier,
  ForTokenClassification: classifier(false),
  ForQuestionAnswering: questions,
};
