import { nearestKey } from '../schema/keys';
import type { Entry, MappingNode, Node } from '../syntax/node';

/** What a place in shardlens.json takes; the same as schemas/shardlens.schema.json says, which a test compares. */
export type Shape =
  | { readonly kind: 'text' | 'texts' | 'count' | 'positive' | 'flag' | 'record' }
  | { readonly kind: 'word'; readonly words: readonly string[] }
  | { readonly kind: 'object'; readonly keys: Readonly<Record<string, Shape>> }
  | { readonly kind: 'map'; readonly of: Shape };

/** An entry that Shardlens does not use as it stands. */
export interface Misfit {
  readonly path: string;
  readonly entry: Entry;
  readonly owner: MappingNode;
  /** What is wrong, as the rest of a sentence that begins with the path; undefined for a key that there is not. */
  readonly takes: string | undefined;
  /** The key or word that was probably meant. */
  readonly nearest: string | undefined;
}

const TEXT: Shape = { kind: 'text' };
const COUNT: Shape = { kind: 'count' };
const RECORDS: Shape = { kind: 'map', of: { kind: 'record' } };

const PER_FILE: Readonly<Record<string, Shape>> = {
  target: TEXT,
  model: TEXT,
  sequenceLength: COUNT,
  meanSequenceLength: { kind: 'positive' },
  datasetSamples: COUNT,
  consumer: { kind: 'word', words: ['deepspeed', 'accelerate', 'trainer'] },
  frameworks: {
    kind: 'object',
    keys: {
      transformers: TEXT,
      accelerate: TEXT,
      deepspeed: TEXT,
      trl: TEXT,
      torch: TEXT,
      peft: TEXT,
      bitsandbytes: TEXT,
    },
  },
  rules: { kind: 'map', of: { kind: 'word', words: ['off', 'hint', 'information', 'warning', 'error'] } },
};

const SECONDS: Readonly<Record<string, Shape>> = {
  value: { kind: 'positive' },
  low: { kind: 'positive' },
  high: { kind: 'positive' },
  from: TEXT,
};
const BYTES: Shape = {
  kind: 'object',
  keys: { value: COUNT, low: COUNT, high: COUNT, from: TEXT, atLeast: { kind: 'flag' } },
};

const MEASUREMENT: Readonly<Record<string, Shape>> = {
  file: TEXT,
  target: TEXT,
  allocated: BYTES,
  reserved: BYTES,
  driver: BYTES,
  seconds: { kind: 'object', keys: SECONDS },
  machine: TEXT,
  run: { kind: 'record' },
};

export const SETTINGS: Shape & { kind: 'object' } = {
  kind: 'object',
  keys: {
    $schema: TEXT,
    ...PER_FILE,
    targets: {
      kind: 'map',
      of: { kind: 'object', keys: { hardware: TEXT, nodes: COUNT, gpusPerNode: COUNT } },
    },
    files: { kind: 'map', of: { kind: 'object', keys: { ...PER_FILE, with: { kind: 'texts' } } } },
    hardware: RECORDS,
    models: RECORDS,
    measured: { kind: 'map', of: { kind: 'object', keys: MEASUREMENT } },
  },
};

/** Every entry of shardlens.json that does not fit, in the order written. */
export function misfits(root: MappingNode): Misfit[] {
  const found: Misfit[] = [];
  inMapping(root, SETTINGS, '', found);
  return found;
}

function inMapping(
  owner: MappingNode,
  shape: Shape & { kind: 'object' | 'map' },
  prefix: string,
  found: Misfit[],
): void {
  for (const entry of owner.entries) {
    const path = prefix + entry.key;
    const wanted =
      shape.kind === 'map' ? shape.of : Object.hasOwn(shape.keys, entry.key) ? shape.keys[entry.key] : undefined;
    if (shape.kind === 'object' && !wanted) {
      found.push({ path, entry, owner, takes: undefined, nearest: nearestKey(entry.key, Object.keys(shape.keys)) });
    } else if (wanted && entry.value) inValue(entry, entry.value, owner, wanted, path, found);
  }
}

function inValue(entry: Entry, value: Node, owner: MappingNode, shape: Shape, path: string, found: Misfit[]): void {
  if ((shape.kind === 'object' || shape.kind === 'map') && value.kind === 'mapping') {
    inMapping(value, shape, `${path}.`, found);
    return;
  }
  if (value.kind === 'scalar' && value.templated) return;
  if (fits(value, shape)) return;
  const isWord = shape.kind === 'word' && value.kind === 'scalar' && typeof value.scalar.value === 'string';
  const nearest = isWord ? nearestKey(String(value.scalar.value), shape.words) : undefined;
  found.push({ path, entry, owner, takes: takesWords(shape), nearest });
}

function fits(value: Node, shape: Shape): boolean {
  const plain = value.kind === 'scalar' ? value.scalar.value : undefined;
  switch (shape.kind) {
    case 'text':
      return typeof plain === 'string' && plain !== '';
    case 'count':
      return typeof plain === 'number' && Number.isInteger(plain) && plain >= 1;
    case 'positive':
      return typeof plain === 'number' && Number.isFinite(plain) && plain > 0;
    case 'flag':
      return typeof plain === 'boolean';
    case 'word':
      return typeof plain === 'string' && shape.words.includes(plain);
    case 'texts':
      if (value.kind === 'sequence') return value.items.every((item) => fits(item, TEXT));
      return fits(value, TEXT);
    default:
      return value.kind === 'mapping';
  }
}

function takesWords(shape: Shape): string {
  switch (shape.kind) {
    case 'text':
      return 'a text';
    case 'texts':
      return 'a text or a list of texts';
    case 'count':
      return 'a whole number of at least 1';
    case 'positive':
      return 'a number above 0';
    case 'flag':
      return 'true or false';
    case 'word':
      return `one of ${shape.words.map((word) => `"${word}"`).join(', ')}`;
    default:
      return 'an object';
  }
}
