import type { FamilyRecord, ModelCatalog, ModelRecord } from '../core/catalogs';
import { nearestNames } from '../core/models/nearest';
import { PACKED_MODELS } from '../generated/models';

/** As `scripts/generate/models.mjs` writes it; numbers that stand for texts are indexes into `texts`. */
type PackedModel = readonly [
  id: string,
  aliases: string,
  modelType: number,
  architecture: number,
  dtype: number,
  confidence: number,
  total: number,
  source: number,
  config: Readonly<Record<string, unknown>>,
];

interface Packed {
  readonly date: string;
  readonly texts: readonly string[];
  readonly models: readonly PackedModel[];
  readonly families: readonly (readonly [type: string, noSplit: string, blocks: string | 0, loraTargets: string | 0])[];
}

/** The bundled model catalog; parsed when first asked for a model. */
export function loadModelCatalog(): ModelCatalog {
  let packed: Packed | undefined;
  let names: Map<string, ModelRecord> | undefined;
  let families: Map<string, FamilyRecord> | undefined;
  const read = (): Packed => {
    packed ??= JSON.parse(PACKED_MODELS) as Packed;
    return packed;
  };
  const index = () => {
    names ??= indexByName(read());
    return names;
  };
  return {
    find: (id) => index().get(plainName(id)),
    nearest(id, limit) {
      const found = nearestNames(plainName(id), index().keys(), limit * 4);
      const ids = found.map((name) => index().get(name)?.id).filter((name) => name !== undefined);
      return [...new Set(ids)].slice(0, limit);
    },
    ids: () => read().models.map((model) => model[0]),
    family(modelType) {
      families ??= new Map(read().families.map((family) => [family[0], familyRecord(family)]));
      return families.get(modelType);
    },
  };
}

/** `Meta-Llama/Meta-Llama-3-8B/` and `meta-llama/meta-llama-3-8b` are one name. */
function plainName(id: string): string {
  return id
    .trim()
    .replace(/^https:\/\/huggingface\.co\//i, '')
    .replace(/\/+$/, '')
    .toLowerCase();
}

/** Ids first, then aliases, then names without their owner where only one record has them. */
function indexByName(packed: Packed): Map<string, ModelRecord> {
  const names = new Map<string, ModelRecord>();
  const records = packed.models.map((model) => ({ record: modelRecord(packed, model), aliases: aliasesOf(model) }));
  for (const { record } of records) names.set(record.id.toLowerCase(), record);
  for (const { record, aliases } of records) {
    for (const alias of aliases) if (!names.has(alias.toLowerCase())) names.set(alias.toLowerCase(), record);
  }
  const bare = new Map<string, ModelRecord | undefined>();
  for (const [name, record] of names) {
    const last = name.slice(name.lastIndexOf('/') + 1);
    bare.set(last, bare.has(last) && bare.get(last) !== record ? undefined : record);
  }
  for (const [name, record] of bare) if (record && !names.has(name)) names.set(name, record);
  return names;
}

function aliasesOf([id, aliases]: PackedModel): string[] {
  const owner = id.slice(0, id.indexOf('/'));
  return aliases === '' ? [] : aliases.split(' ').map((alias) => (alias.startsWith('/') ? owner + alias : alias));
}

function modelRecord({ texts, date }: Packed, model: PackedModel): ModelRecord {
  const [id, , modelType, architecture, dtype, confidence, total, source, config] = model;
  const level = texts[confidence];
  return {
    id,
    config: {
      ...config,
      model_type: texts[modelType],
      architectures: [texts[architecture]],
      ...(dtype >= 0 && { torch_dtype: texts[dtype] }),
    },
    confidence: level === 'high' || level === 'medium' ? level : 'low',
    source: `${texts[source]}, ${date}`,
    parameters: total === 0 ? undefined : total,
  };
}

function familyRecord([modelType, noSplit, blocks, lora]: Packed['families'][number]): FamilyRecord {
  const noSplitModules = words(noSplit);
  return {
    modelType,
    noSplitModules,
    blockClasses: blocks === 0 ? noSplitModules : words(blocks),
    loraTargets: lora === 0 ? undefined : words(lora),
  };
}

function words(text: string): string[] {
  return text === '' ? [] : text.split(' ');
}
