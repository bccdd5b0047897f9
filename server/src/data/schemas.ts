import type { DialectSchema, JsonSchema, SchemaError } from '../core/catalogs';
import type { DialectId } from '../core/source';
import { packed as acceleratePacked } from '../generated/schema-accelerate';
import { packed as clusterPacked } from '../generated/schema-cluster';
import { packed as deepspeedPacked } from '../generated/schema-deepspeed';
import { packed as fsdpPacked } from '../generated/schema-fsdp';
import { packed as shardlensPacked } from '../generated/schema-shardlens';
import { packed as trainerPacked } from '../generated/schema-trainer';
import { validate as validateAccelerate } from '../generated/validate-accelerate';
import { validate as validateDeepspeed } from '../generated/validate-deepspeed';
import { validate as validateFsdp } from '../generated/validate-fsdp';
import { validate as validateTrainer } from '../generated/validate-trainer';
import { unpackText } from './packed-text';
import { unpackSchema } from './unpack-schema';

/** A validator as ajv writes it: it leaves what it found on itself. */
type Validator = { (value: unknown): boolean; errors?: readonly SchemaError[] | null };

const sources: Partial<Record<DialectId, { packed: string; validate: Validator }>> = {
  deepspeed: { packed: deepspeedPacked, validate: validateDeepspeed },
  trainer: { packed: trainerPacked, validate: validateTrainer },
  fsdp: { packed: fsdpPacked, validate: validateFsdp },
  accelerate: { packed: acceleratePacked, validate: validateAccelerate },
  // Rules of their own say what is wrong in these.
  shardlens: { packed: shardlensPacked, validate: () => true },
  cluster: { packed: clusterPacked, validate: () => true },
};

/** A schema that says nothing, for dialects that are checked elsewhere. */
const EMPTY: DialectSchema = { schema: {}, validate: () => [] };

const loaded = new Map<DialectId, DialectSchema>();

/** The schema of a dialect and its compiled validator; parsed when first asked for, then kept. */
export function loadSchema(dialect: DialectId): DialectSchema {
  const source = sources[dialect];
  if (!source) return EMPTY;
  let schema = loaded.get(dialect);
  if (!schema) {
    const unpacked = unpackSchema(unpackText(source.packed));
    schema = {
      schema: dialect === 'shardlens' ? withRecords(unpacked) : unpacked,
      validate: (value) => (source.validate(value) ? [] : (source.validate.errors ?? [])),
    };
    loaded.set(dialect, schema);
  }
  return schema;
}

/** The records under `hardware` of shardlens.json are cluster descriptions. */
function withRecords(schema: JsonSchema): JsonSchema {
  const hardware = { ...schema.properties?.hardware, additionalProperties: loadSchema('cluster').schema };
  return { ...schema, properties: { ...schema.properties, hardware } };
}
