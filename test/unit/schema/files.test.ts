import { readFileSync } from 'node:fs';
import Ajv from 'ajv';
import { describe, expect, it } from 'vitest';
import type { JsonSchema } from '../../../server/src/core/catalogs';

const DIALECTS = ['deepspeed', 'trainer', 'fsdp', 'accelerate'] as const;

const read = (dialect: string): JsonSchema =>
  JSON.parse(readFileSync(new URL(`../../../schemas/${dialect}.schema.json`, import.meta.url), 'utf8')) as JsonSchema;

function* keysOf(schema: JsonSchema, path = ''): Generator<[string, JsonSchema]> {
  for (const option of schema.anyOf ?? []) yield* keysOf(option, path);
  if (schema.items) yield* keysOf(schema.items, `${path}[]`);
  if (typeof schema.additionalProperties === 'object') yield* keysOf(schema.additionalProperties, `${path}.*`);
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const inner = path ? `${path}.${name}` : name;
    yield [inner, child];
    yield* keysOf(child, inner);
  }
}

/** The four schemas as another tool loads them. */
function validators(): Ajv {
  const ajv = new Ajv({ strict: false, allErrors: true });
  for (const dialect of DIALECTS) ajv.addSchema(read(dialect) as object);
  return ajv;
}

describe.each(DIALECTS)('%s.schema.json', (dialect) => {
  it('is a valid schema that stands on its own beside the others', () => {
    const ajv = validators();
    expect(ajv.validateSchema(read(dialect) as object), JSON.stringify(ajv.errors)).toBe(true);
    expect(ajv.getSchema(`${dialect}.schema.json`)).toBeTypeOf('function');
  });

  it('describes every key in a sentence, and says where the framework has it', () => {
    for (const [path, schema] of keysOf(read(dialect))) {
      if (path.endsWith('.*')) continue;
      // Containers that only hold keys of a list or of named groups come without a record of their own.
      if (!schema['x-shardlens']) continue;
      expect(schema.description, path).toMatch(/^\S.*[.]$/);
      expect(schema['x-shardlens'].where, path).toBeTruthy();
    }
  });

  it('has defaults that it accepts itself', () => {
    const ajv = validators();
    for (const [path, schema] of keysOf(read(dialect))) {
      if (schema.default === undefined || schema.anyOf?.some((option) => option.$ref)) continue;
      // -1 stands for "not set" and is refused when written (accelerate launch.py:1305).
      if (path === 'num_processes') continue;
      const { default: fallback, ...rest } = schema;
      expect(ajv.validate(rest as object, fallback), `${path}: ${JSON.stringify(fallback)}`).toBe(true);
    }
  });
});

describe('for other tools', () => {
  it('a Trainer file is checked into its fsdp_config and deepspeed sections', () => {
    const validate = validators().getSchema('trainer.schema.json');
    expect(validate?.({ output_dir: 'out', fsdp_config: { version: 2 }, deepspeed: 'ds.json' })).toBe(true);
    expect(validate?.({ output_dir: 'out', deepspeed: { zero_optimization: { stage: 7 } } })).toBe(false);
  });

  it('a key that the framework only ignores is not refused', () => {
    expect(validators().getSchema('deepspeed.schema.json')?.({ train_batch_size: 8, my_note: 1 })).toBe(true);
  });
});
