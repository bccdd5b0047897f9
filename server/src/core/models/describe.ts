import type { FamilyRecord } from '../catalogs';
import { type ConfigFields, ConfigReader, isFields, type ReadingNotes } from './config';
import { DEFAULTS_SOURCE } from './defaults';
import { familyOf } from './families';
import { addUp, type Layout, MAX_LAYERS } from './layout';
import type { Model } from './model';
import type { Recorded } from './recorded';

export interface DescribeOptions {
  /** Catalog id, or the path of the config.json. */
  readonly name: string;
  readonly source: string;
  readonly confidence: Model['confidence'];
  readonly family?: FamilyRecord | undefined;
  /** Looks up what models of a type with an activation keep for backward. */
  readonly recorded?: ((modelType: string, activation: string | undefined) => Recorded) | undefined;
  /** Class to count, where it is not the one that the config names. */
  readonly architecture?: string | undefined;
}

/**
 * Counts a model from its Hugging Face config alone: what the class named in `architectures` would allocate. The numbers
 * are exact, or there is a problem that completes "the model cannot be counted: …".
 */
export function describeModel(config: unknown, options: DescribeOptions): { model: Model } | { problem: string } {
  if (!isFields(config)) return { problem: 'config.json is not an object' };
  const modelType = config.model_type;
  if (typeof modelType !== 'string') return { problem: 'model_type is missing' };
  const family = familyOf(modelType);
  if (!family) return { problem: `model_type "${modelType}" is not one that Shardlens can count` };

  const notes: ReadingNotes = { problems: [], defaults: new Map(), assumptions: [] };
  const reader = new ConfigReader(config, modelType, notes);
  const named = options.architecture ?? architectureIn(config);
  const architecture = named ?? family.architecture;
  const layout = family.layout(reader, architecture);
  if (!layout)
    return { problem: `class ${architecture} of model_type "${modelType}" is not one that Shardlens can count` };
  const problem = notes.problems[0];
  if (problem !== undefined) return { problem };
  if (layout.layers > MAX_LAYERS) return { problem: `it has ${layout.layers} layers, more than any model` };
  const essential = ESSENTIAL.find((name) => notes.defaults.has(name));
  if (essential !== undefined) return { problem: `${essential} is missing` };
  const foreign = named !== undefined && !sameStart(named, family.architecture);
  if (named === undefined) notes.assumptions.push(`config.json names no class; ${architecture} is taken`);
  if (foreign)
    notes.assumptions.push(`class ${named} is counted as transformers' own class of model_type "${modelType}"`);
  if (family.remote)
    notes.assumptions.push('counted by formula: its class is not in transformers, but comes with the checkpoint');
  if (isFields(config.quantization_config)) {
    notes.assumptions.push('counted before quantisation: quantization_config changes how weights are stored');
  }
  const model = modelOf(config, layout, {
    ...options,
    confidence: (foreign || family.remote) && options.confidence === 'high' ? 'medium' : options.confidence,
    modelType,
    architecture,
    assumptions: assumptionsOf(notes),
  });
  if (!Number.isSafeInteger(model.parameters.total)) return { problem: 'its sizes are beyond any model' };
  return { model };
}

/**
 * Sizes that every saved config.json has (the class's default is left out only in nested configs): a file without them is
 * cut short, and the default would give a wrong number that looks right.
 */
const ESSENTIAL = [
  'hidden_size',
  'n_embd',
  'n_embed',
  'd_model',
  'dim',
  'num_hidden_layers',
  'n_layer',
  'n_layers',
  'num_layers',
  'encoder_layers',
  'decoder_layers',
];

/** Whether two class names begin alike, as LLaMAForCausalLM and LlamaForCausalLM do. */
function sameStart(name: string, other: string): boolean {
  return startOf(name) === startOf(other);
}

function startOf(name: string): string {
  return (/^(.+?)(?:For[A-Z]|LMHead|WithLMHead|EncoderModel|Model$)/.exec(name)?.[1] ?? name).toLowerCase();
}

function modelOf(
  config: ConfigFields,
  layout: Layout,
  options: DescribeOptions & { modelType: string; architecture: string; assumptions: readonly string[] },
): Model {
  const activation = activationIn(config);
  return {
    name: options.name,
    modelType: options.modelType,
    architecture: options.architecture,
    hiddenSize: layout.hiddenSize,
    layers: layout.layers,
    vocabSize: layout.vocabSize,
    tiedEmbeddings: layout.tied,
    activation,
    ...(ownKernelIn(config) && { attentionKernel: 'flash-1' as const }),
    maxPositions: layout.maxPositions,
    dtype: dtypeIn(config),
    ...addUp(layout),
    confidence: options.confidence,
    source: options.source,
    noSplitModules: options.family?.noSplitModules ?? [],
    loraTargets: options.family?.loraTargets,
    assumptions: options.assumptions,
    ...(options.recorded && { recorded: options.recorded(layout.recordedAs ?? options.modelType, activation) }),
  };
}

function architectureIn(config: ConfigFields): string | undefined {
  const list = config.architectures;
  const first = Array.isArray(list) ? list[0] : undefined;
  return typeof first === 'string' ? first : undefined;
}

function activationIn(config: ConfigFields): string | undefined {
  const text = isFields(config.text_config) ? config.text_config : {};
  const names = ['hidden_act', 'activation_function', 'hidden_activation'];
  const own = names.map((name) => config[name] ?? text[name]).find((value) => value !== undefined);
  if (typeof own === 'string') return own;
  // T5 names a kind of block: `gated-gelu` is gelu_new behind a gate (configuration_t5.py, 5.18).
  const kind = config.feed_forward_proj;
  if (typeof kind !== 'string') return undefined;
  return kind === 'gated-gelu' ? 'gelu_new' : kind.replace(/^gated-/, '');
}

/** MPT's own code takes a Triton kernel of the first FlashAttention (llm-foundry llmfoundry/models/layers/attention.py, `attn_impl`). */
function ownKernelIn({ attn_config: own }: ConfigFields): boolean {
  return isFields(own) && own.attn_impl === 'triton';
}

/** `dtype`, formerly `torch_dtype`; composite models may keep it with the text model. */
function dtypeIn(config: ConfigFields): string | undefined {
  const text = config.text_config;
  const own = config.dtype ?? config.torch_dtype ?? (isFields(text) ? (text.dtype ?? text.torch_dtype) : undefined);
  return typeof own === 'string' ? own.replace(/^torch\./, '') : undefined;
}

function assumptionsOf(notes: ReadingNotes): readonly string[] {
  if (notes.defaults.size === 0) return notes.assumptions;
  const list = [...notes.defaults].map(([name, value]) => `${name} ${value}`).join(', ');
  return [...notes.assumptions, `not in config.json, so as ${DEFAULTS_SOURCE} has it: ${list}`];
}
