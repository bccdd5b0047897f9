import type { JsonSchema } from '../catalogs';
import { takesAuto, typesOf, valuesOf } from '../schema/keys';
import type { CompletionPlace } from './completion-place';

/** A key with its punctuation and a first value to type over, as a snippet. */
export function keySnippet(name: string, schema: JsonSchema, place: CompletionPlace, format: 'json' | 'yaml'): string {
  const key = format === 'json' ? JSON.stringify(name) : name;
  if (place.hasValue) return key;
  const value = valueSnippet(schema, format);
  const space = value.startsWith('\n') ? '' : ' ';
  return `${key}:${space}${value}${place.commaAfter ? ',' : ''}`;
}

function valueSnippet(schema: JsonSchema, format: 'json' | 'yaml'): string {
  const types = typesOf(schema);
  const listed = valuesOf(schema).filter((value) => value !== null && value !== 'auto');
  const auto = takesAuto(schema) ? ['auto'] : [];
  if (listed.length > 0 && listed.length <= MAX_CHOICES) return choice([...auto, ...listed], format);
  if (types.includes('boolean')) {
    // The default needs no line of its own, so the other value comes first.
    return choice(schema.default === true ? [false, true, ...auto] : [true, false, ...auto], format);
  }
  if (types.includes('object')) return format === 'json' ? '{\n  $1\n}' : '\n  $1';
  if (types.includes('array')) return '[$1]';
  if (auto.length > 0) return `\${1:${escapeDefault(written('auto', format))}}`;
  const fallback = schema.default;
  if (types.includes('string') && !types.includes('integer') && !types.includes('number')) {
    const text = typeof fallback === 'string' ? escapeDefault(fallback) : '';
    return format === 'json' ? `"\${1:${text}}"` : `\${1:${text}}`;
  }
  return `\${1:${fallback === undefined || fallback === null ? '' : escapeDefault(written(fallback, format))}}`;
}

/** More than this is a list to search, which value completion shows better. */
const MAX_CHOICES = 16;

function choice(values: readonly unknown[], format: 'json' | 'yaml'): string {
  const texts = [...new Set(values)].map((value) => written(value, format).replace(/[\\,|$}]/g, '\\$&'));
  return `\${1|${texts.join(',')}|}`;
}

function escapeDefault(text: string): string {
  return text.replace(/[\\$}]/g, '\\$&');
}

/** Words that YAML 1.1 reads as a boolean or null when they have no quotes (PyYAML lib/yaml/resolver.py:170). */
const YAML_WORDS = /^(?:y|n|yes|no|on|off|true|false|null|~|)$/i;

/** A value as the format writes it; numbers so that PyYAML reads a number. */
export function written(value: unknown, format: 'json' | 'yaml'): string {
  if (format === 'json') return JSON.stringify(value);
  if (typeof value === 'number') return yamlNumber(value);
  if (typeof value !== 'string') return JSON.stringify(value);
  return YAML_WORDS.test(value) || !/^[A-Za-z_][\w./-]*$/.test(value) ? JSON.stringify(value) : value;
}

/** PyYAML needs a dot before the exponent: 5e-5 is text to it. */
function yamlNumber(value: number): string {
  const text = String(value);
  return /e/.test(text) && !text.includes('.') ? text.replace('e', '.0e') : text;
}
