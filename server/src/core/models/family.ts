import type { ConfigReader } from './config';
import { inside, type Layout } from './layout';
import { linear, type Tensor, under } from './parts';

/**
 * A group of model types that are laid out by the same code. A family reads like the `__init__` of the transformers
 * classes it stands for; versions and lines are cited where a family is defined.
 */
export interface Family {
  /** `model_type` values; each must be known to {@link configDefaults}, or be read without defaults. */
  readonly types: readonly string[];
  /** Class taken when config.json names no architecture. */
  readonly architecture: string;
  /** The layout for one class; undefined where the family does not know that class. */
  readonly layout: (c: ConfigReader, architecture: string) => Layout | undefined;
  /** The class is not in transformers, but comes with the checkpoint. */
  readonly remote?: boolean;
  /** The model without head, as it sits inside composite models. */
  readonly body?: (c: ConfigReader) => Layout;
}

/** A decoder whose head classes keep the base model under `base`, as `model.` in Llama. */
export interface DecoderFamily {
  readonly types: readonly string[];
  readonly architecture: string;
  readonly body: (c: ConfigReader) => Layout;
  readonly base?: string;
  readonly headBias?: boolean | ((c: ConfigReader) => boolean);
  /** The head of the causal class where it is not `lm_head`. */
  readonly head?: string;
}

/** The usual classes over one decoder: base model, causal LM, sequence and token classification. */
export function decoderFamily(family: DecoderFamily): Family {
  return {
    types: family.types,
    architecture: family.architecture,
    body: family.body,
    layout(c, architecture) {
      const body = family.body(c);
      if (/(?<!LMHead)Model$/.test(architecture)) return body;
      const heads = headOf(architecture, body, c, family);
      if (!heads) return undefined;
      return withParts(inside(family.base ?? 'model', body), heads);
    },
  };
}

/** A layout with more tensors beside its layers. */
export function withParts(layout: Layout, parts: readonly Tensor[]): Layout {
  return { ...layout, parts: [...layout.parts, ...parts] };
}

/** Output projection to the vocabulary; nothing where it is the embedding itself. */
export function languageHead(hidden: number, vocab: number, tied: boolean, bias = false, name = 'lm_head'): Tensor[] {
  const head = under('', 'head', linear(name, hidden, vocab, bias));
  return tied ? head.filter((part) => !part.name.endsWith('.weight')) : head;
}

/** `GenericForSequenceClassification` and `GenericForTokenClassification` (transformers modeling_layers.py). */
function headOf(architecture: string, body: Layout, c: ConfigReader, family: DecoderFamily): Tensor[] | undefined {
  if (/ForCausalLM$|LMHeadModel$/.test(architecture)) {
    const bias = typeof family.headBias === 'function' ? family.headBias(c) : (family.headBias ?? false);
    return languageHead(body.hiddenSize, body.vocabSize, body.tied, bias, family.head);
  }
  if (/ForSequenceClassification$/.test(architecture))
    return under('', 'head', linear('score', body.hiddenSize, labels(c)));
  if (/ForTokenClassification$/.test(architecture)) {
    return under('', 'head', linear('score', body.hiddenSize, labels(c), true));
  }
  return undefined;
}

/** `num_labels`, else as many as `id2label` names, else 2 (transformers configuration_utils.py). */
export function labels(c: ConfigReader): number {
  const names = c.fields.id2label;
  if (typeof c.fields.num_labels === 'number') return c.size('num_labels');
  return typeof names === 'object' && names !== null ? Object.keys(names).length : 2;
}
