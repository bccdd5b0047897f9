import type { JsonSchema } from '../core/catalogs';

/** A JSON Schema as the build packs it; see `scripts/generate/schemas.mjs`. */
interface Packed {
  /** Letters and the keywords they stand for. */
  readonly letters: Readonly<Record<string, string>>;
  /** Files that `where` counts into. */
  readonly files: readonly string[];
  readonly schema: PackedNode;
}

type PackedNode = Readonly<Record<string, unknown>>;

/** The schema as it stands in `schemas/`, without the texts that only other editors read. */
export function unpackSchema(text: string): JsonSchema {
  const packed = JSON.parse(text) as Packed;
  return node(packed.schema, packed) as JsonSchema;
}

function node(from: PackedNode, packed: Packed): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [letter, value] of Object.entries(from)) {
    const keyword = packed.letters[letter] ?? letter;
    out[keyword] = unpackedValue(keyword, value, packed);
  }
  return out;
}

function unpackedValue(keyword: string, value: unknown, packed: Packed): unknown {
  switch (keyword) {
    case 'properties':
      return properties(value as Readonly<Record<string, PackedNode>>, packed);
    case 'anyOf':
      return (value as readonly PackedNode[]).map((option) => node(option, packed));
    case 'items':
      return node(value as PackedNode, packed);
    case 'additionalProperties':
      return typeof value === 'object' ? node(value as PackedNode, packed) : value;
    case 'x-shardlens':
      return facts(value as PackedNode, packed);
    default:
      return value;
  }
}

/** A second name is a copy of its key with a note of that. */
function properties(from: Readonly<Record<string, PackedNode>>, packed: Packed): Record<string, unknown> {
  const out: Record<string, Record<string, unknown>> = {};
  for (const [name, child] of Object.entries(from)) if (!('aliasOf' in child)) out[name] = node(child, packed);
  for (const [name, { aliasOf }] of Object.entries(from)) {
    if (typeof aliasOf !== 'string') continue;
    const original = out[aliasOf] ?? {};
    out[name] = { ...original, 'x-shardlens': { ...(original['x-shardlens'] as object), aliasOf } };
  }
  return out;
}

function facts(from: PackedNode, packed: Packed): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [letter, value] of Object.entries(from)) out[packed.letters[letter] ?? letter] = value;
  const { where } = out;
  if (typeof where !== 'string') return out;
  const colon = where.indexOf(':');
  const file = packed.files[Number(where.slice(0, colon))];
  if (colon > 0 && file !== undefined) out.where = file + where.slice(colon);
  return out;
}
