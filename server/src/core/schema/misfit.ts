import type { JsonSchema } from '../catalogs';
import type { Node } from '../syntax/node';
import { boundsOf, factsOf, takesAuto, typesOf, valuesOf } from './keys';

/** In which way a value departs from its schema. */
export type MisfitForm =
  /** The string "auto" at a key that nobody fills. */
  | 'auto'
  /** null where a value is needed. */
  | 'null'
  /** A string that reads as a number of the right kind: `"500"`. */
  | 'numeric-string'
  /** A string that looks like a number but is not read as an integer: `"5e8"`. */
  | 'scientific-string'
  /** `"true"`, `"no"`. */
  | 'boolean-string'
  /** 0 or 1 for a boolean. */
  | 'boolean-number'
  /** A boolean where YAML's bare `no`, `on`, `yes` was meant as a word. */
  | 'yaml-boolean'
  /** 1.5 for an integer. */
  | 'fraction'
  /** A word where a section is needed: `"cpu"` for `{"device": "cpu"}`. */
  | 'scalar-for-object'
  | 'range'
  | 'value'
  | 'other';

export interface Misfit {
  readonly form: MisfitForm;
  /** The value as Python sees it; undefined for objects and lists. */
  readonly value: string | number | boolean | null | undefined;
  /** Whether the framework turns this form into the right type by itself. */
  readonly coerced: boolean;
}

/** Words pydantic takes for a boolean (pydantic-core 2.x str_to_bool). */
const BOOLEAN_WORDS = new Set(['true', 'false', 't', 'f', 'yes', 'no', 'y', 'n', 'on', 'off', '1', '0']);

/**
 * How a value departs from its schema, or undefined when the framework takes it as it is. `strict`: the section is a
 * pydantic model, which coerces (deepspeed/runtime/config_utils.py:110); loose sections and dataclasses do not.
 */
export function misfitOf(node: Node, schema: JsonSchema, strict: boolean): Misfit | undefined {
  const types = typesOf(schema);
  if (types.length === 0 && valuesOf(schema).length === 0) return undefined;
  if (node.kind !== 'scalar') return composite(node.kind, types);
  const { scalar } = node;
  const misfit = (form: MisfitForm, coerced = false): Misfit => ({ form, value: scalar.value, coerced });
  switch (scalar.type) {
    case 'null':
      return types.includes('null') || types.length === 0 ? undefined : misfit('null');
    case 'string':
      return stringMisfit(scalar.value, schema, types, strict, misfit);
    case 'bool':
      return booleanMisfit(scalar.value, schema, types, strict, misfit);
    default:
      return numberMisfit(scalar.value, schema, types, strict, misfit);
  }
}

type Make = (form: MisfitForm, coerced?: boolean) => Misfit;

function composite(kind: 'mapping' | 'sequence', types: readonly string[]): Misfit | undefined {
  const type = kind === 'mapping' ? 'object' : 'array';
  return types.includes(type) || types.length === 0 ? undefined : { form: 'other', value: undefined, coerced: false };
}

function stringMisfit(
  value: string,
  schema: JsonSchema,
  types: readonly string[],
  strict: boolean,
  misfit: Make,
): Misfit | undefined {
  if (value === 'auto' && takesAuto(schema)) return undefined;
  if (types.includes('string')) {
    if (!isListed(value, schema)) return misfit(value === 'auto' ? 'auto' : 'value');
    return undefined;
  }
  if (value === 'auto') return misfit('auto');
  const number = pythonNumberIn(value);
  if (types.includes('number') && number) return misfit('numeric-string', strict && inRange(number.value, schema));
  if (types.includes('integer') && number) {
    if (!number.integerText) return misfit('scientific-string');
    const fits = inRange(number.value, schema) && isListed(number.value, schema);
    return misfit('numeric-string', strict && fits);
  }
  if (types.includes('boolean') && BOOLEAN_WORDS.has(value.toLowerCase())) return misfit('boolean-string', strict);
  if (types.includes('object')) return misfit('scalar-for-object');
  return misfit('other');
}

function booleanMisfit(
  value: boolean,
  schema: JsonSchema,
  types: readonly string[],
  strict: boolean,
  misfit: Make,
): Misfit | undefined {
  if (types.includes('boolean')) return undefined;
  if (types.includes('string')) return misfit('yaml-boolean');
  // pydantic and Python count true as 1.
  const asNumber = types.includes('integer') || types.includes('number');
  if (asNumber && strict && isListed(Number(value), schema)) return misfit('boolean-number', true);
  if (types.includes('object')) return misfit('scalar-for-object');
  return misfit('other');
}

function numberMisfit(
  value: number,
  schema: JsonSchema,
  types: readonly string[],
  strict: boolean,
  misfit: Make,
): Misfit | undefined {
  const numeric = types.includes('number') || types.includes('integer');
  if (numeric) {
    if (!types.includes('number') && !Number.isInteger(value)) return misfit('fraction');
    if (!inRange(value, schema)) return misfit('range');
    return isListed(value, schema) ? undefined : misfit('value');
  }
  if (types.includes('boolean') && (value === 0 || value === 1)) return misfit('boolean-number', strict);
  if (types.includes('object')) return misfit('scalar-for-object');
  return misfit('other');
}

/** Whether a value is among the listed ones; always true where the list is open or there is none. */
function isListed(value: string | number, schema: JsonSchema): boolean {
  const facts = factsOf(schema);
  if (facts.openValues || schema.examples) return true;
  const listed = valuesOf(schema).filter((entry) => entry !== 'auto');
  if (listed.length === 0 || listed.includes(value)) return true;
  if (typeof value !== 'string') return false;
  if (facts.wordList) return value.split(/\s+/).every((word) => listed.includes(word));
  if (!facts.anyCase) return false;
  return listed.some((entry) => typeof entry === 'string' && entry.toLowerCase() === value.toLowerCase());
}

function inRange(value: number, schema: JsonSchema): boolean {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = boundsOf(schema);
  return (
    (minimum === undefined || value >= minimum) &&
    (maximum === undefined || value <= maximum) &&
    (exclusiveMinimum === undefined || value > exclusiveMinimum) &&
    (exclusiveMaximum === undefined || value < exclusiveMaximum)
  );
}

/** A number Python's `float()` reads in a string; `integerText`: `int()` reads it too (`"500"`, `"2.0"` in pydantic). */
function pythonNumberIn(text: string): { value: number; integerText: boolean } | undefined {
  const trimmed = text.trim();
  if (!/^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?$/.test(trimmed)) return undefined;
  return { value: Number(trimmed), integerText: /^[-+]?\d+(?:\.0*)?$/.test(trimmed) };
}
