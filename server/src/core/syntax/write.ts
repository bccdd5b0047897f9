import { pythonFloatText, resolvePlain } from './python-scalar';

/** How the text around an edit is written; what is inserted follows it. */
export interface WritingStyle {
  readonly format: 'json' | 'yaml';
  readonly newline: '\n' | '\r\n' | '\r';
  /** One step of indentation: spaces or a tab. */
  readonly unit: string;
  /** Between key and value in brackets: `: `, or `:` where the file is written without spaces. */
  readonly colon: string;
  /** Between items on one line: `, ` or `,`. */
  readonly comma: string;
}

/** A value whose text is settled already. */
export class Spelled {
  constructor(readonly text: string) {}
}

/** A value in brackets: JSON, or YAML's flow style. `indent` set: mappings go over several lines, each deeper by one unit. */
export function writeFlow(value: unknown, style: WritingStyle, indent?: string): string {
  if (Array.isArray(value)) {
    return `[${value.map((item) => writeFlow(item, style, indent)).join(style.comma)}]`;
  }
  if (!isRecord(value)) return writeScalar(value, style.format);
  const entries = Object.entries(value);
  if (entries.length === 0) return '{}';
  if (indent === undefined) {
    return `{${entries.map(([key, item]) => writeKey(key, style.format) + style.colon + writeFlow(item, style)).join(style.comma)}}`;
  }
  const inner = indent + style.unit;
  const lines = entries.map(
    ([key, item]) => inner + writeKey(key, style.format) + style.colon + writeFlow(item, style, inner),
  );
  return `{${style.newline}${lines.join(`,${style.newline}`)}${style.newline}${indent}}`;
}

/** `key: value` in YAML's block style, without the first line's indentation; nested values go below, deeper by one unit. */
export function writeBlockEntry(key: string, value: unknown, style: WritingStyle, indent: string): string {
  const name = writeKey(key, 'yaml');
  if (!isRecord(value) || Object.keys(value).length === 0) {
    return `${name}: ${writeFlow(value, { ...style, colon: ': ', comma: ', ' })}`;
  }
  const inner = indent + style.unit;
  const lines = Object.entries(value).map(([below, item]) => inner + writeBlockEntry(below, item, style, inner));
  return `${name}:${style.newline}${lines.join(style.newline)}`;
}

/** A key in quotes where the format needs them. */
export function writeKey(key: string, format: 'json' | 'yaml'): string {
  return format === 'json' ? JSON.stringify(key) : writeYamlString(key);
}

/** A scalar as the format's reader in Python reads it back. What has no text (undefined, functions) becomes null. */
export function writeScalar(value: unknown, format: 'json' | 'yaml'): string {
  if (value instanceof Spelled) return value.text;
  switch (typeof value) {
    case 'string':
      return format === 'json' ? JSON.stringify(value) : writeYamlString(value);
    case 'number':
      return format === 'json' ? writeJsonNumber(value) : writeYamlNumber(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'bigint':
      return value.toString();
    default:
      return 'null';
  }
}

function writeJsonNumber(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  return String(value);
}

/** PyYAML takes an exponent only behind a dot and with a sign: `1.0e-05`. */
function writeYamlNumber(value: number): string {
  if (Number.isNaN(value)) return '.nan';
  if (!Number.isFinite(value)) return value > 0 ? '.inf' : '-.inf';
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return String(value);
  const text = pythonFloatText(value);
  return text.includes('e') && !text.includes('.') ? text.replace('e', '.0e') : text;
}

const PLAIN_TEXT = /^[A-Za-z_/.][\w./@+-]*(?: [\w./@+-]+)*$/;

function writeYamlString(value: string): string {
  const isPlain = PLAIN_TEXT.test(value) && resolvePlain(value).type === 'string';
  // A JSON text is a YAML text, but for these two separators, which YAML takes for line ends.
  return isPlain ? value : JSON.stringify(value).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Spelled);
}
