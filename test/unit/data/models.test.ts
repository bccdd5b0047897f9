import { readFileSync } from 'node:fs';
import Ajv from 'ajv';
import { describe, expect, it } from 'vitest';
import { loadModelCatalog } from '../../../server/src/data/models';
import { PACKED_MODELS } from '../../../server/src/generated/models';

interface Data {
  readonly models: readonly {
    readonly id: string;
    readonly aliases: readonly string[];
    readonly confidence: string;
    readonly source: readonly string[];
  }[];
  readonly families: Readonly<Record<string, unknown>>;
}

const read = (path: string): unknown => JSON.parse(readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8'));
const data = read('server/data/models.json') as Data;
const catalog = loadModelCatalog();

describe('server/data/models.json', () => {
  it('keeps to its schema: each record has a source and a date', () => {
    const check = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(
      read('schemas/models.schema.json') as object,
    );
    check(data);
    expect(check.errors ?? []).toEqual([]);
  });

  it('has no id twice', () => {
    const ids = data.models.map((model) => model.id.toLowerCase());
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('says how a record of high confidence was checked where its fields are only remembered', () => {
    const unchecked = data.models.filter(
      ({ confidence, source }) => confidence === 'high' && source.some((it) => /remembered(?!.*checked)/.test(it)),
    );
    expect(unchecked.map(({ id }) => id)).toEqual([]);
  });

  it('is small when packed', () => {
    expect(PACKED_MODELS.length).toBeLessThan(80_000);
  });
});

describe('loadModelCatalog', () => {
  it('finds every id and alias', () => {
    for (const model of data.models) {
      expect(catalog.find(model.id)?.id).toBe(model.id);
      for (const alias of model.aliases) expect(catalog.find(alias.toUpperCase())).toBeDefined();
    }
  });

  it('knows the wrapping class of every family', () => {
    for (const type of Object.keys(data.families)) expect(catalog.family(type)?.modelType).toBe(type);
    expect(catalog.family('llama')?.noSplitModules).toEqual(['LlamaDecoderLayer']);
    expect(catalog.family('llama')?.loraTargets).toEqual(['q_proj', 'v_proj']);
  });

  it.each([
    ['Meta-Llama-3-8B', 'meta-llama/Meta-Llama-3-8B'],
    ['https://huggingface.co/meta-llama/Meta-Llama-3-8B/', 'meta-llama/Meta-Llama-3-8B'],
  ])('reads %s', (name, id) => {
    expect(catalog.find(name)?.id).toBe(id);
  });

  it('does not find what is not there', () => {
    expect(catalog.find('nobody/nothing')).toBeUndefined();
    expect(catalog.nearest('zzzzzzzzzzzzzzzzzzzzzzzzzzzz', 3)).toEqual([]);
  });
});
