import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { SETTINGS, type Shape } from '../../../server/src/core/rules-support/settings-shape';

interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly enum?: readonly string[];
  readonly allOf?: readonly Schema[];
}

const file = path.resolve(__dirname, '../../../schemas/shardlens.schema.json');
const root: Schema & { definitions: Record<string, Schema> } = JSON.parse(readFileSync(file, 'utf8'));

function followed(schema: Schema): Schema {
  const target = schema.$ref?.startsWith('#/definitions/') ? root.definitions[schema.$ref.slice(14)] : undefined;
  return target ? followed(target) : schema;
}

/** Walks both at once: every object has the same keys, every word the same choices. */
function expectSame(shape: Shape, raw: Schema, at: string): void {
  const schema = followed(raw);
  if (shape.kind === 'word') expect([...(schema.enum ?? [])].sort(), at).toEqual([...shape.words].sort());
  if (shape.kind === 'map') {
    expect(typeof schema.additionalProperties, at).toBe('object');
    expectSame(shape.of, schema.additionalProperties as Schema, `${at}.*`);
  }
  if (shape.kind !== 'object') return;
  expect(Object.keys(shape.keys).sort(), at).toEqual(Object.keys(schema.properties ?? {}).sort());
  for (const [key, of] of Object.entries(shape.keys)) {
    const property = schema.properties?.[key];
    if (property) expectSame(of, property, `${at}.${key}`);
  }
}

describe('the settings that shardlens.json takes', () => {
  it('are those of its schema', () => {
    expectSame(SETTINGS, root, 'shardlens.json');
  });
});
