import type { JsonSchema } from '../catalogs';
import { boundsOf, factsOf, typesOf, valuesOf } from './keys';

/** What a key takes, for messages and hover: `an integer of at least 0, or "auto"`, `one of "none", "cpu", "nvme"`. */
export function expectedWords(schema: JsonSchema): string {
  const listed = valuesOf(schema).filter((value) => value !== 'auto' && value !== null);
  const types = typesOf(schema).filter((type) => type !== 'null');
  const closed = listed.length > 0 && !factsOf(schema).openValues;
  const parts = closed ? [listedWords(listed)] : types.map((type) => typeWords(type, schema));
  if (valuesOf(schema).includes('auto')) parts.push('"auto"');
  if (typesOf(schema).includes('null')) parts.push('null');
  return joinedWithOr(parts.length > 0 ? [...new Set(parts)] : ['another value']);
}

function listedWords(values: readonly unknown[]): string {
  const words = values.map((value) => JSON.stringify(value));
  return words.length === 1 ? (words[0] ?? '') : `one of ${words.join(', ')}`;
}

function typeWords(type: string, schema: JsonSchema): string {
  switch (type) {
    case 'integer':
      return `an integer${rangeWords(schema)}`;
    case 'number':
      return `a number${rangeWords(schema)}`;
    case 'boolean':
      return 'true or false';
    case 'string':
      return 'a string';
    case 'array':
      return 'a list';
    default:
      return 'an object';
  }
}

/** ` of at least 0`, ` above 0 and at most 1`; empty without a range. */
export function rangeWords(schema: JsonSchema): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = boundsOf(schema);
  const parts: string[] = [];
  if (minimum !== undefined) parts.push(`of at least ${minimum}`);
  if (exclusiveMinimum !== undefined) parts.push(`above ${exclusiveMinimum}`);
  if (maximum !== undefined) parts.push(`${parts.length > 0 ? '' : 'of '}at most ${maximum}`);
  if (exclusiveMaximum !== undefined) parts.push(`below ${exclusiveMaximum}`);
  return parts.length > 0 ? ` ${parts.join(' and ')}` : '';
}

function joinedWithOr(parts: readonly string[]): string {
  if (parts.length <= 1) return parts[0] ?? '';
  return `${parts.slice(0, -1).join(', ')} or ${parts[parts.length - 1]}`;
}
