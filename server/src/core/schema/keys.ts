import type { JsonSchema, SchemaAnnotation } from '../catalogs';

/** A key of a dialect: its schema, and the object it belongs to. */
export interface KeyInfo {
  readonly path: string;
  readonly name: string;
  readonly schema: JsonSchema;
  readonly parent: JsonSchema;
}

const NO_FACTS: SchemaAnnotation = {};

/** What our schemas add to JSON Schema about a key: since when, replaced by what, read how. */
export function factsOf(schema: JsonSchema | undefined): SchemaAnnotation {
  return schema?.['x-shardlens'] ?? NO_FACTS;
}

/** The keys an object schema knows; a key that takes an object or something else has them in one of its alternatives. */
export function propertiesOf(schema: JsonSchema | undefined): Readonly<Record<string, JsonSchema>> {
  if (schema?.properties) return schema.properties;
  return schema?.anyOf?.find((option) => option.properties)?.properties ?? {};
}

/** The schema of one key of an object: a listed key, or what all other keys have to look like. */
export function childSchema(parent: JsonSchema | undefined, name: string): JsonSchema | undefined {
  const properties = propertiesOf(parent);
  if (Object.hasOwn(properties, name)) return properties[name];
  return typeof parent?.additionalProperties === 'object' ? parent.additionalProperties : undefined;
}

/** The key at a dotted path, or undefined where the dialect has none there. */
export function findKey(root: JsonSchema, path: string): KeyInfo | undefined {
  const parts = path.split('.');
  let parent = root;
  for (const [index, name] of parts.entries()) {
    const schema = childSchema(parent, name) ?? (/^\d+$/.test(name) ? parent.items : undefined);
    if (!schema) return undefined;
    if (index === parts.length - 1) return { path, name, schema, parent };
    parent = schema;
  }
  return undefined;
}

/** Where else in the dialect a key of this name stands, shortest path first; second names are left out. */
export function placesOfKey(root: JsonSchema, name: string): readonly string[] {
  let places = placesByRoot.get(root);
  if (!places) {
    places = placesIn(root);
    placesByRoot.set(root, places);
  }
  return places.get(name) ?? [];
}

/** A file of unknown keys asks for each of them, so a schema is gone through once. */
const placesByRoot = new WeakMap<JsonSchema, ReadonlyMap<string, readonly string[]>>();

function placesIn(root: JsonSchema): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  const stack: { path: string; schema: JsonSchema; depth: number }[] = [{ path: '', schema: root, depth: 0 }];
  for (let next = stack.pop(); next; next = stack.pop()) {
    if (next.depth > MAX_SECTION_DEPTH) continue;
    for (const [key, schema] of Object.entries(propertiesOf(next.schema))) {
      const path = next.path ? `${next.path}.${key}` : key;
      if (!factsOf(schema).aliasOf && !schema.deprecated) {
        const places = found.get(key);
        if (places) places.push(path);
        else found.set(key, [path]);
      }
      stack.push({ path, schema, depth: next.depth + 1 });
    }
  }
  for (const places of found.values()) {
    places.sort((a, b) => a.split('.').length - b.split('.').length || (a < b ? -1 : 1));
  }
  return found;
}

/** Deeper than any section of a dialect, and a bound on the walk. */
const MAX_SECTION_DEPTH = 8;

/**
 * The one known key within two edits of a mistyped one, or undefined when there is none or more than one equally near.
 * Short names are near to everything, so they must be nearer.
 */
export function nearestKey(name: string, candidates: Iterable<string>): string | undefined {
  const limit = name.length < 8 ? 1 : 2;
  let best: string | undefined;
  let bestDistance = limit + 1;
  let tied = false;
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase(), limit);
    if (distance > limit || distance > bestDistance) continue;
    tied = distance === bestDistance;
    if (tied) continue;
    best = candidate;
    bestDistance = distance;
  }
  if (tied) return undefined;
  return best ?? onlyCompletion(name, candidates);
}

/** `gradient_clip` is `gradient_clipping` broken off: the one key that goes on where a long name stops. */
function onlyCompletion(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length < SHORTEST_BROKEN_OFF) return undefined;
  const longer = [...candidates].filter((candidate) => candidate.startsWith(name.toLowerCase()));
  return longer.length === 1 ? longer[0] : undefined;
}

const SHORTEST_BROKEN_OFF = 8;

/** Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`; `limit + 1` when there are more. */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    if (Math.min(...row) > limit) return limit + 1;
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? limit + 1;
}

/** The types a key takes, in words of JSON Schema, with `"auto"` left out. */
export function typesOf(schema: JsonSchema): readonly string[] {
  const own = schema.type === undefined ? [] : typeof schema.type === 'string' ? [schema.type] : schema.type;
  return [...own, ...(schema.anyOf ?? []).flatMap(typesOf)];
}

/** The values a key takes, when they are listed; known values of an open list too. */
export function valuesOf(schema: JsonSchema): readonly unknown[] {
  return [
    ...(schema.enum ?? schema.examples ?? []),
    ...('const' in schema ? [schema.const] : []),
    ...(schema.anyOf ?? []).flatMap(valuesOf),
  ];
}

/** Whether "auto" may stand at a key: somebody fills it, or the framework knows the word itself. */
export function takesAuto(schema: JsonSchema): boolean {
  return valuesOf(schema).includes('auto') || factsOf(schema).autoFilledBy !== undefined;
}

export interface Bounds {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
}

/** The range of a number key; empty where it has none. */
export function boundsOf(schema: JsonSchema): Bounds {
  const numeric = [schema, ...(schema.anyOf ?? [])];
  const bounds: { -readonly [K in keyof Bounds]: number } = {};
  for (const option of numeric) {
    for (const name of ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'] as const) {
      const value = option[name];
      if (value !== undefined) bounds[name] = value;
    }
  }
  return bounds;
}
