import { ownValue } from '../../own-value';
import type { ConfigReader } from '../config';
import { type Family, languageHead } from '../family';
import { inside, type Layout } from '../layout';
import { all, layerNorm, linear, norm, parameter, type Tensor, under } from '../parts';
import { gemmaText } from './gemma';
import { hybrids } from './hybrids';
import { llamaLike } from './llama';
import { latent } from './mla';
import { mixtures } from './moe';
import { qwen2Vision, qwen3Vision, qwen25Vision } from './qwen-towers';
import { clipVision, internVision, pixtralVision, placed, siglipVision, type Tower } from './towers';

const BODIES = new Map(
  [...llamaLike, ...mixtures, ...latent, ...hybrids, ...gemmaText].flatMap((family) =>
    family.types.map((type) => [type, family.body]),
  ),
);

const VISION: Readonly<Record<string, (c: ConfigReader) => Tower>> = {
  clip_vision_model: clipVision,
  siglip_vision_model: siglipVision,
  pixtral: pixtralVision,
};

/** The decoder inside a composite model, by the model type of its config. */
export function textBody(c: ConfigReader): Layout | undefined {
  const body = BODIES.get(c.modelType)?.(c);
  if (!body) c.problem(`${c.path}model_type "${c.modelType}" is not one that Shardlens can count`);
  return body;
}

function visionTower(c: ConfigReader): Tower | undefined {
  const build = ownValue(VISION, c.modelType);
  if (!build) c.problem(`${c.path}model_type "${c.modelType}" is not one that Shardlens can count`);
  return build?.(c);
}

interface Composite {
  readonly type: string;
  /** Start of the class names: `Llava` gives LlavaForConditionalGeneration. */
  readonly name: string;
  /** Model types taken when the nested configs name none. */
  readonly text: string;
  readonly vision: string;
  readonly tower?: (c: ConfigReader) => Tower;
  readonly towerAt?: string;
  /** Tensors between the tower and the decoder, placed in the base model. */
  readonly projector?: (c: ConfigReader, vision: Tower, visionConfig: ConfigReader, text: Layout) => Tensor[];
  /** Older files keep the text fields at the top. */
  readonly flatText?: boolean;
  /** Name of the decoder in the base model, where it is not `language_model`. */
  readonly textAt?: string;
  /** Name of the tower's config, where it is not `vision_config`. */
  readonly towerConfig?: string;
  /** Where `tie_word_embeddings` counts: the top field alone, either of the two, or the text config's unless the top says it. */
  readonly tie?: 'top' | 'either' | 'text';
}

/** A tower, a projector and a decoder under `model.`, and the head beside it. */
export function composite(spec: Composite): Family {
  return {
    types: [spec.type],
    architecture: `${spec.name}ForConditionalGeneration`,
    layout(c, architecture) {
      if (architecture !== `${spec.name}ForConditionalGeneration` && architecture !== `${spec.name}Model`)
        return undefined;
      const isFlat = spec.flatText === true && !c.says('text_config');
      const t = isFlat ? flatText(c, spec.text) : c.child('text_config', spec.text, spec.text.startsWith(spec.type));
      const v = c.child(spec.towerConfig ?? 'vision_config', spec.vision, spec.tower !== undefined);
      const text = textBody(t);
      const vision = spec.tower?.(v) ?? visionTower(v);
      if (!text || !vision) return { ...EMPTY };
      const seen = placed(spec.towerAt ?? 'vision_tower', vision);
      const projector = all('projector', spec.projector?.(c, vision, v, text) ?? []);
      const language = inside(spec.textAt ?? 'language_model', text);
      const tied = isTied(c, spec.tie ?? 'either', text);
      const body: Layout = {
        ...language,
        tied,
        parts: [...language.parts, ...seen.parts, ...projector],
        stacks: [...seen.stacks, ...language.stacks],
      };
      if (architecture.endsWith('Model')) return body;
      const whole = inside('model', body);
      return { ...whole, parts: [...whole.parts, ...languageHead(text.hiddenSize, text.vocabSize, tied)] };
    },
  };
}

function isTied(c: ConfigReader, rule: 'top' | 'either' | 'text', text: Layout): boolean {
  if (rule === 'text') return c.says('tie_word_embeddings') ? c.flag('tie_word_embeddings') : text.tied;
  return c.flag('tie_word_embeddings') || (rule === 'either' && text.tied);
}

/** Stands for a layout that has a problem and is not looked at. */
export const EMPTY: Layout = {
  hiddenSize: 1,
  layers: 0,
  vocabSize: 1,
  tied: false,
  maxPositions: undefined,
  parts: [],
  stacks: [],
};

function flatText(c: ConfigReader, type: string): ConfigReader {
  return c.as(type);
}

/** LlavaMultiModalProjector: two linear layers. */
function llavaProjector(c: ConfigReader, vision: Tower, _: ConfigReader, text: Layout): Tensor[] {
  const layers = c.numbers('vision_feature_layer')?.length ?? 1;
  const bias = c.value('multimodal_projector_bias') !== false;
  return under(
    'multi_modal_projector',
    undefined,
    linear('linear_1', vision.hidden * layers, text.hiddenSize, bias),
    linear('linear_2', text.hiddenSize, text.hiddenSize, bias),
  );
}

/** The learned separator of image rows. */
function withNewline(c: ConfigReader, vision: Tower, v: ConfigReader, text: Layout): Tensor[] {
  return [...parameter('image_newline', [text.hiddenSize]), ...llavaProjector(c, vision, v, text)];
}

/** Gemma3MultiModalProjector keeps its matrix as a bare parameter. */
function gemma3Projector(_: ConfigReader, vision: Tower, __: ConfigReader, text: Layout): Tensor[] {
  return under(
    'multi_modal_projector',
    undefined,
    parameter('mm_input_projection_weight', [vision.hidden, text.hiddenSize]),
    norm('mm_soft_emb_norm', vision.hidden),
  );
}

/** Mistral3MultiModalProjector: merges patches before the two linear layers. */
function mistral3Projector(c: ConfigReader, vision: Tower, _: ConfigReader, text: Layout): Tensor[] {
  const layers = c.numbers('vision_feature_layer')?.length ?? 1;
  const bias = c.flag('multimodal_projector_bias');
  const merge = c.optional('spatial_merge_size') ?? 2;
  return under(
    'multi_modal_projector',
    undefined,
    norm('norm', vision.hidden),
    linear('patch_merger.merging_layer', vision.hidden * merge ** 2, vision.hidden),
    linear('linear_1', vision.hidden * layers, text.hiddenSize, bias),
    linear('linear_2', text.hiddenSize, text.hiddenSize, bias),
  );
}

/** InternVLMultiModalProjector: pixel shuffle by `downsample_ratio`, then LayerNorm and two linear layers. */
function internProjector(c: ConfigReader, vision: Tower, _: ConfigReader, text: Layout): Tensor[] {
  const ratio = c.value('downsample_ratio');
  const merged = vision.hidden * Math.round(1 / (typeof ratio === 'number' && ratio > 0 ? ratio : 0.5)) ** 2;
  return under(
    'multi_modal_projector',
    undefined,
    layerNorm('layer_norm', merged),
    linear('linear_1', merged, text.hiddenSize, true),
    linear('linear_2', text.hiddenSize, text.hiddenSize, true),
  );
}

function paliProjector(c: ConfigReader, vision: Tower, _: ConfigReader): Tensor[] {
  return under('multi_modal_projector', undefined, linear('linear', vision.hidden, c.size('projection_dim'), true));
}

/** transformers 5.18.0, models/<type>/modeling_<type>.py. */
export const visionLanguage: readonly Family[] = [
  composite({ type: 'llava', name: 'Llava', text: 'llama', vision: 'clip_vision_model', projector: llavaProjector }),
  composite({
    type: 'llava_next',
    name: 'LlavaNext',
    text: 'llama',
    vision: 'clip_vision_model',
    projector: withNewline,
  }),
  composite({
    type: 'llava_onevision',
    name: 'LlavaOnevision',
    text: 'qwen2',
    vision: 'siglip_vision_model',
    projector: withNewline,
  }),
  composite({
    type: 'gemma3',
    name: 'Gemma3',
    text: 'gemma3_text',
    vision: 'siglip_vision_model',
    tower: siglipVision,
    projector: gemma3Projector,
  }),
  composite({
    type: 'paligemma',
    name: 'PaliGemma',
    text: 'gemma',
    vision: 'siglip_vision_model',
    projector: paliProjector,
  }),
  composite({ type: 'mistral3', name: 'Mistral3', text: 'mistral', vision: 'pixtral', projector: mistral3Projector }),
  composite({
    type: 'internvl',
    name: 'InternVL',
    text: 'qwen2',
    vision: 'internvl_vision',
    tower: internVision,
    projector: internProjector,
  }),
  ...(
    [
      ['qwen2_vl', 'Qwen2VL', qwen2Vision],
      ['qwen2_5_vl', 'Qwen2_5_VL', qwen25Vision],
    ] as const
  ).map(([type, name, build]) =>
    composite({
      type,
      name,
      text: `${type}_text`,
      vision: type === 'qwen2_vl' ? 'qwen2_vl_vision' : 'qwen2_5_vl_vision',
      tower: build,
      towerAt: 'visual',
      flatText: true,
    }),
  ),
  ...(
    [
      ['qwen3_vl', 'Qwen3VL'],
      ['qwen3_vl_moe', 'Qwen3VLMoe'],
      ['qwen3_5', 'Qwen3_5'],
      ['qwen3_5_moe', 'Qwen3_5Moe'],
    ] as const
  ).map(([type, name]) =>
    composite({
      type,
      name,
      text: `${type}_text`,
      vision: `${type}_vision`,
      tower: qwen3Vision(name),
      towerAt: 'visual',
      tie: 'top',
    }),
  ),
];
