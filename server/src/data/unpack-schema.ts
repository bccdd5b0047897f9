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

/** Each key is unpacked when it is asked for: a dialect has hundreds, and a config writes ten. */
function properties(from: Readonly<Record<string, PackedNode>>, packed: Packed): Record<string, unknown> {
  // Without a prototype V8 keeps it as a table: in an object of another kind each property that changes costs as much as all of them.
  const out: Record<string, unknown> = Object.create(null);
  for (const name of Object.keys(from)) {
    const get = (): unknown => {
      const value = property(from, name, packed);
      Object.defineProperty(out, name, { value, enumerable: true });
      return value;
    };
    Object.defineProperty(out, name, { get, enumerable: true, configurable: true });
  }
  return out;
}

/** A second name is a copy of its key with a note of that. */
function property(from: Readonly<Record<string, PackedNode>>, name: string, packed: Packed): Record<string, unknown> {
  const { [name]: own = {} } = from;
  const { aliasOf } = own;
  if (typeof aliasOf !== 'string') return node(own, packed);
  const original = node(from[aliasOf] ?? {}, packed);
  return { ...original, 'x-shardlens': { ...(original['x-shardlens'] as object), aliasOf } };
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
