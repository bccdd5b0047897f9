import type { ConfigReader } from '../config';
import { attentionShape } from '../dimensions';
import type { Family } from '../family';
import { inside, type Layers, type Layout, uniform } from '../layout';
import { type Tensor, under } from '../parts';
import { bertLayer, type Sizes, usualSizes } from './bert';
import type { Head } from './encoder-heads';

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

/** A family of encoders with one head for each class. */
export function encoder(spec: Encoder): Family {
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
