import type { FamilyRecord } from '../catalogs';
import { type ConfigFields, ConfigReader, isFields, type ReadingNotes } from './config';
import { DEFAULTS_SOURCE } from './defaults';
import { familyOf } from './families';
import { addUp, type Layout } from './layout';
import type { Model } from './model';

export interface DescribeOptions {
  /** Catalog id, or the path of the config.json. */
  readonly name: string;
  readonly source: string;
  readonly confidence: Model['confidence'];
  readonly family?: FamilyRecord | undefined;
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
  if (notes.defaults.has('hidden_size') && notes.defaults.has('num_hidden_layers')) {
    return { problem: 'hidden_size and num_hidden_layers are missing' };
  }
  if (named === undefined) notes.assumptions.push(`config.json names no class; ${architecture} is taken`);
  return { model: modelOf(config, layout, { ...options, modelType, architecture, assumptions: assumptionsOf(notes) }) };
}

function modelOf(
  config: ConfigFields,
  layout: Layout,
  options: DescribeOptions & { modelType: string; architecture: string; assumptions: readonly string[] },
): Model {
  return {
    name: options.name,
    modelType: options.modelType,
    architecture: options.architecture,
    hiddenSize: layout.hiddenSize,
    layers: layout.layers,
    vocabSize: layout.vocabSize,
    tiedEmbeddings: layout.tied,
    maxPositions: layout.maxPositions,
    dtype: dtypeIn(config),
    ...addUp(layout),
    confidence: options.confidence,
    source: options.source,
    noSplitModules: options.family?.noSplitModules ?? [],
    loraTargets: options.family?.loraTargets,
    assumptions: options.assumptions,
  };
}

function architectureIn(config: ConfigFields): string | undefined {
  const list = config.architectures;
  const first = Array.isArray(list) ? list[0] : undefined;
  return typeof first === 'string' ? first : undefined;
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
