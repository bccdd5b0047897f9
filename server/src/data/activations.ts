import type { ModelCatalog } from '../core/catalogs';
import type { Recorded, RecordedBlock, RecordedSetting } from '../core/models/recorded';
import { PACKED_ACTIVATIONS } from '../generated/activations';
import { composedSetting } from './compose-activations';
import { unpackText } from './packed-text';

/** Looks families up in the recordings, which are unpacked when first asked for. */
export function loadRecordings(): ModelCatalog['recorded'] {
  let packed: Packed | undefined;
  const found = new Map<string, Recorded>();
  return (asked, activation) => {
    packed ??= unpack();
    const modelType = ranAs(packed, asked);
    const special = `${modelType} ${activationClass(activation)}`;
    const name = packed.families.has(special) ? special : modelType;
    const recorded = found.get(name) ?? recordedFamily(packed, name);
    found.set(name, recorded);
    return recorded;
  };
}

/** The decoder of a composite model has a type of its own where it stands alone: `qwen3_5_text`. Kimi K2 is DeepSeek V3's class. */
function ranAs({ families }: Packed, modelType: string): string {
  const alone = modelType === 'kimi_k2' ? 'deepseek_v3' : modelType.replace(/_text$/, '');
  return families.has(modelType) || !families.has(alone) ? modelType : alone;
}

/**
 * How an activation is computed decides what it keeps: one kernel keeps its input, steps in Python each keep a tensor, relu its
 * result (src/transformers/activations.py, 5.23). A family has a recording for each that its models use.
 */
function activationClass(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  if (name === 'gelu_new' || name === 'gelu_fast' || name === 'gelu_python' || name === 'gelu_accurate')
    return 'python';
  return name === 'relu' ? 'relu' : 'kernel';
}

/** Places of a family's settings in the lines that `scripts/generate/activations.mjs` writes. */
interface Packed {
  readonly families: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly lines: readonly string[];
  /** Packages whose kernels a family was run with. */
  readonly kernels: ReadonlyMap<string, string>;
  /** Why a family cannot be run. */
  readonly reasons: ReadonlyMap<string, string>;
}

/** A family that was not run is taken to be like Llama; blocks that Llama has not, like those of the family that is best known for them. */
const ASSUMED = ['llama', 'mixtral', 'deepseek_v3', 'bert', 'qwen3_next', 'jamba', 't5'];

function recordedFamily(packed: Packed, modelType: string): Recorded {
  const own = packed.families.get(modelType);
  const read = new Map<string, RecordedSetting | undefined>();
  const families = own === undefined ? ASSUMED : [modelType];
  return {
    family: own === undefined ? 'llama' : modelType,
    isAssumed: own === undefined,
    why: packed.reasons.get(modelType),
    kernels: packed.kernels.get(modelType),
    plain: packed.families.has(`${modelType} torch`) ? recordedFamily(packed, `${modelType} torch`) : undefined,
    hasSdpa: own === undefined || [...own.keys()].some((name) => name.startsWith('sdpa')),
    has: (name) => own?.has(name) === true,
    setting(name) {
      if (!read.has(name)) read.set(name, merged(families.map((family) => settingNamed(packed, family, name))));
      return read.get(name);
    },
  };
}

/** The first setting, with the blocks that only later ones have. */
function merged(settings: readonly (RecordedSetting | undefined)[]): RecordedSetting | undefined {
  const [first] = settings;
  if (first === undefined || settings.length === 1) return first;
  const blocks: Record<string, RecordedBlock> = {};
  for (const setting of settings) {
    for (const [key, block] of Object.entries(setting?.blocks ?? {})) blocks[key] ??= block;
  }
  return { ...first, blocks };
}

/** As it was run, or else composed of what was. */
function settingNamed(packed: Packed, family: string, name: string): RecordedSetting | undefined {
  return settingOf(packed, family, name) ?? composedSetting(name, (other) => settingOf(packed, family, other));
}

function settingOf({ families, lines }: Packed, family: string, name: string): RecordedSetting | undefined {
  const line = lines[families.get(family)?.get(name) ?? -1];
  if (line === undefined) return undefined;
  const [head = '', ends = '', casts = '', ...fields] = line.split('\t');
  const [forward = 0, backward = 0, weight = 0] = head.split(',').map(Number);
  const blocks: Record<string, RecordedBlock> = {};
  for (const field of fields) {
    const [key = '', saved = '', ofWeights = '', ...working] = field.split('|');
    blocks[key] = { saved, casts: ofWeights, working };
  }
  return { head: [forward, backward, weight], ends, casts, blocks };
}

function unpack(): Packed {
  const [head = '', lines = ''] = unpackText(PACKED_ACTIVATIONS).split('\n\n');
  const families = new Map<string, ReadonlyMap<string, number>>();
  const kernels = new Map<string, string>();
  const reasons = new Map<string, string>();
  const all = head.split('\n');
  for (const row of all) {
    const [, name = '', sign = '', text = ''] = /^([^\t=+!]+)([+!])(.*)$/.exec(row) ?? [];
    if (sign === '+') kernels.set(name, text);
    if (sign === '!') for (const each of name.split(',')) reasons.set(each, text);
  }
  const rows = all.filter((row) => !/^[^\t=]+[+!]/.test(row));
  for (const row of rows.filter((line) => line.includes('\t'))) {
    const [name = '', ...settings] = row.split('\t');
    families.set(name, new Map(settings.map((text) => placeOf(text))));
  }
  for (const row of rows.filter((line) => !line.includes('\t'))) {
    const [name = '', like = ''] = row.split('=');
    families.set(name, families.get(like) ?? new Map());
  }
  return { families, lines: lines.split('\n'), kernels, reasons };
}

function placeOf(text: string): [string, number] {
  const colon = text.lastIndexOf(':');
  return [text.slice(0, colon), Number(text.slice(colon + 1))];
}
