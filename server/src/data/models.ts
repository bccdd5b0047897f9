import type { FamilyRecord, ModelCatalog, ModelRecord } from '../core/catalogs';
import { nearestNames } from '../core/models/nearest';
import { PACKED_MODELS } from '../generated/models';
import { loadRecordings } from './activations';
import { unpackText } from './packed-text';

/** As `scripts/generate/models.mjs` writes it; numbers that stand for texts are indexes into `texts`. */
type PackedModel = readonly [
  id: string,
  modelType: number,
  architecture: number,
  dtype: number,
  confidence: number,
  total: number,
  source: number,
  config: Readonly<Record<string, unknown>>,
];

/** What all records share. */
interface Shared {
  readonly date: string;
  readonly texts: readonly string[];
  readonly families: readonly (readonly [type: string, noSplit: string, blocks: string | 0, loraTargets: string | 0])[];
}

/** The catalog as text: a record is parsed when it is asked for, since most runs ask for one. */
interface Packed {
  readonly shared: Shared;
  /** A line for each name, in lower case: a line end, the name, a tab, and the place of its record. */
  readonly names: string;
  readonly records: readonly string[];
}

/** The bundled model catalog; unpacked when first asked for a model. */
export function loadModelCatalog(): ModelCatalog {
  let unpacked: Packed | undefined;
  let names: readonly string[] | undefined;
  let families: Map<string, FamilyRecord> | undefined;
  const packed = (): Packed => {
    unpacked ??= unpack();
    return unpacked;
  };
  const found = new Map<string, ModelRecord>();
  const find = (id: string) => {
    const name = plainName(id);
    const record = found.get(name) ?? findRecord(packed(), name);
    if (record) found.set(name, record);
    return record;
  };
  return {
    find,
    nearest(id, limit) {
      names ??= namesOf(packed());
      const near = nearestNames(plainName(id), names, limit * 4);
      const ids = near.map((name) => find(name)?.id).filter((name) => name !== undefined);
      return [...new Set(ids)].slice(0, limit);
    },
    ids: () => packed().records.map((record) => (JSON.parse(record) as PackedModel)[0]),
    family(modelType) {
      families ??= new Map(packed().shared.families.map((family) => [family[0], familyRecord(family)]));
      return families.get(modelType);
    },
    recorded: loadRecordings(),
  };
}

function unpack(): Packed {
  const [shared = '', names = '', records = ''] = unpackText(PACKED_MODELS).split('\n\n');
  return { shared: JSON.parse(shared) as Shared, names: `\n${names}\n`, records: records.split('\n') };
}

function findRecord({ shared, names, records }: Packed, name: string): ModelRecord | undefined {
  if (/[\t\n]/.test(name)) return undefined;
  const at = names.indexOf(`\n${name}\t`);
  if (at < 0) return undefined;
  const start = at + name.length + 2;
  const record = records[Number(names.slice(start, names.indexOf('\n', start)))];
  return record === undefined ? undefined : modelRecord(shared, JSON.parse(record) as PackedModel);
}

function namesOf({ names }: Packed): string[] {
  const lines = names.trim().split('\n');
  return lines.map((line) => line.slice(0, line.indexOf('\t')));
}

/** `Meta-Llama/Meta-Llama-3-8B/` and `meta-llama/meta-llama-3-8b` are one name. */
function plainName(id: string): string {
  return id
    .trim()
    .replace(/^https:\/\/huggingface\.co\//i, '')
    .replace(/\/+$/, '')
    .toLowerCase();
}

function modelRecord({ texts, date }: Shared, model: PackedModel): ModelRecord {
  const [id, modelType, architecture, dtype, confidence, total, source, config] = model;
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

function familyRecord([modelType, noSplit, blocks, lora]: Shared['families'][number]): FamilyRecord {
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
