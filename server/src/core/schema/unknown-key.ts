import type { Catalogs, JsonSchema } from '../catalogs';
import { ownValue } from '../own-value';
import type { DialectId } from '../source';
import { factsOf, nearestKey, placesOfKey, propertiesOf } from './keys';
import type { SchemaProblem } from './problems';

/** What an unknown key most likely is. */
export type Explanation =
  /** Known once; `last` is the last version measured that took it. */
  | { readonly kind: 'former'; readonly last: string; readonly to: string | undefined }
  /** A name people write for another key. */
  | { readonly kind: 'renamed'; readonly to: string }
  | { readonly kind: 'typo'; readonly nearest: string }
  /** Right name, wrong place: dotted path in the same dialect. */
  | { readonly kind: 'misplaced'; readonly place: string }
  /** A key of another dialect. */
  | { readonly kind: 'foreign'; readonly dialect: DialectId; readonly place: string }
  | { readonly kind: 'unknown' };

export type UnknownKey = Extract<SchemaProblem, { kind: 'unknown-key' }>;

/** Dialects whose keys are found in files of a dialect by mistake. */
const NEIGHBOURS: Partial<Record<DialectId, readonly DialectId[]>> = {
  deepspeed: ['accelerate', 'trainer'],
  accelerate: ['deepspeed', 'trainer'],
  fsdp: ['accelerate'],
};

/** Explains an unknown key by its name: what it was, what was meant, or where it belongs. */
export function explainUnknownKey(problem: UnknownKey, root: JsonSchema, catalogs: Catalogs): Explanation {
  // Several rules ask: one for each kind of answer.
  let explanation = explained.get(problem);
  if (!explanation) {
    explanation = explain(problem, root, catalogs);
    explained.set(problem, explanation);
  }
  return explanation;
}

const explained = new WeakMap<UnknownKey, Explanation>();

function explain(problem: UnknownKey, root: JsonSchema, catalogs: Catalogs): Explanation {
  const { key, parent, setting } = problem;
  const facts = factsOf(parent);
  const last = ownValue(facts.formerKeys ?? {}, key);
  const to = ownValue(facts.renames ?? {}, key);
  if (last !== undefined) return { kind: 'former', last, to };
  if (to !== undefined) return { kind: 'renamed', to };
  // A name that stands in several sections, as `enabled`, says nothing about where this one belongs.
  const [place, ...others] = placesOfKey(root, key);
  if (place !== undefined && others.length === 0) return { kind: 'misplaced', place };
  const nearest = nearestKey(key, keysToSuggest(parent));
  if (nearest !== undefined) return { kind: 'typo', nearest };
  for (const dialect of NEIGHBOURS[setting.config.dialect] ?? []) {
    const [elsewhere, ...more] = placesOfKey(catalogs.schema(dialect).schema, key);
    if (elsewhere !== undefined && more.length < 2) return { kind: 'foreign', dialect, place: elsewhere };
  }
  return { kind: 'unknown' };
}

/** Keys worth proposing: not the second names, not the deprecated ones. Listed once for each schema. */
export function keysToSuggest(parent: JsonSchema): readonly string[] {
  let names = suggested.get(parent);
  if (!names) {
    names = Object.entries(propertiesOf(parent))
      .filter(([, schema]) => !schema.deprecated && !factsOf(schema).aliasOf)
      .map(([name]) => name);
    suggested.set(parent, names);
  }
  return names;
}

const suggested = new WeakMap<JsonSchema, readonly string[]>();
