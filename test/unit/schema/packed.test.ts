import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadSchema } from '../../../server/src/data/schemas';

const DIALECTS = ['deepspeed', 'trainer', 'fsdp', 'accelerate'] as const;

describe('a packed schema', () => {
  it.each(DIALECTS)('of %s is the schema file again', (dialect) => {
    const text = readFileSync(new URL(`../../../schemas/${dialect}.schema.json`, import.meta.url), 'utf8');
    const written: unknown = JSON.parse(text, (keyword, value) =>
      keyword === 'markdownDescription' || keyword === '$schema' ? undefined : value,
    );
    expect(loadSchema(dialect).schema).toEqual(written);
  });
});
