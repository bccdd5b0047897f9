import { describe, expect, it } from 'vitest';
import { nearestNames } from '../../../server/src/core/models/nearest';
import { resolveModel } from '../../../server/src/core/models/resolve';
import type { Workspace } from '../../../server/src/core/source';
import { parseSource } from '../../../server/src/core/syntax/parse';
import { loadModelCatalog } from '../../../server/src/data/models';

const catalog = loadModelCatalog();
const CONFIG = JSON.stringify({
  model_type: 'qwen2',
  architectures: ['Qwen2ForCausalLM'],
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 100,
  tie_word_embeddings: true,
});

function workspace(files: Readonly<Record<string, string>>): Workspace {
  const text = (path: string) => (Object.hasOwn(files, path) ? files[path] : undefined);
  return {
    roots: ['/w'],
    read(path) {
      const found = text(path);
      return found === undefined ? { ok: false, why: 'missing' } : { ok: true, text: found };
    },
    source(path) {
      const found = text(path);
      return found === undefined ? undefined : parseSource(path, found);
    },
    list: () => [],
  };
}

function resolve(name: string, files: Readonly<Record<string, string>> = {}, own?: Readonly<Record<string, unknown>>) {
  return resolveModel(name, { catalog, workspace: workspace(files), base: '/w/configs/a', own });
}

describe('resolveModel', () => {
  it.each(['meta-llama/Meta-Llama-3-8B', 'META-LLAMA/meta-llama-3-8b/', 'Meta-Llama-3-8B'])('finds %s', (name) => {
    const { model } = resolve(name);
    expect(model).toMatchObject({ known: true, value: { parameters: { total: 8030261248 } } });
    expect(model.origin).toMatchObject({ kind: 'catalog', id: 'meta-llama/Meta-Llama-3-8B' });
  });

  it('finds a folder beside the file, and in the folders above it', () => {
    for (const folder of ['/w/configs/a/tiny', '/w/configs/tiny', '/w/tiny']) {
      const { model } = resolve('./tiny', { [`${folder}/config.json`]: CONFIG });
      expect(model).toMatchObject({
        known: true,
        value: { name: `${folder.slice('/w/'.length)}/config.json`, confidence: 'high' },
      });
    }
  });

  it('names what it looked for', () => {
    expect(resolve('./tiny').dependencies).toContain('/w/tiny/config.json');
    expect(resolve('./tiny').model.known).toBe(false);
  });

  it('does not look above the workspace', () => {
    expect(resolve('../../../secret').dependencies.filter((file) => !file.startsWith('/w/'))).toEqual([]);
  });

  it('takes a folder of the same name before the catalog, as transformers does', () => {
    const { model } = resolve('openai-community/gpt2', { '/w/openai-community/gpt2/config.json': CONFIG });
    expect(model).toMatchObject({ known: true, value: { modelType: 'qwen2' } });
  });

  it('follows an adapter to its base model', () => {
    const adapter = JSON.stringify({ base_model_name_or_path: 'Qwen/Qwen2.5-0.5B' });
    const { model } = resolve('out/adapter', { '/w/out/adapter/adapter_config.json': adapter });
    expect(model).toMatchObject({ known: true, value: { name: 'Qwen/Qwen2.5-0.5B' } });
  });

  it('does not follow an adapter in a circle', () => {
    const adapter = JSON.stringify({ base_model_name_or_path: './out' });
    expect(resolve('./out', { '/w/out/adapter_config.json': adapter }).model.known).toBe(false);
  });

  it('takes own records of shardlens.json first', () => {
    const { model } = resolve('openai-community/gpt2', {}, { 'openai-community/gpt2': { config: JSON.parse(CONFIG) } });
    expect(model).toMatchObject({ known: true, value: { modelType: 'qwen2' } });
  });

  it('reads own records in the shape of the catalog', () => {
    const { architectures: _, model_type, ...config } = JSON.parse(CONFIG);
    const { model } = resolve('mine', {}, { mine: { model_type, architecture: 'Qwen2Model', config } });
    expect(model).toMatchObject({ known: true, value: { architecture: 'Qwen2Model', assumptions: [] } });
  });

  it('names the field that an own config.json lacks', () => {
    const broken = JSON.stringify({ ...JSON.parse(CONFIG), vocab_size: null });
    const { model } = resolve('./tiny', { '/w/tiny/config.json': broken });
    expect(model).toMatchObject({ known: false, why: 'tiny/config.json cannot be counted: vocab_size is missing' });
  });

  it('goes by the name of a path that it cannot read, and says so', () => {
    for (const name of [
      '/data/models/Meta-Llama-3-8B',
      '/home/user/hub/models--meta-llama--Meta-Llama-3-8B/snapshots/0a1b',
    ]) {
      const { model } = resolve(name);
      expect(model).toMatchObject({
        known: true,
        origin: { kind: 'assumed' },
        value: { confidence: 'medium', parameters: { total: 8030261248 } },
      });
    }
  });

  it('offers the nearest names', () => {
    const { model } = resolve('meta-llama/Meta-Lama-3-8B');
    expect(model.known ? '' : model.why).toContain('meta-llama/Meta-Llama-3-8B');
  });

  it('says that a path outside the workspace is not read', () => {
    const { model } = resolve('/somewhere/else');
    expect(model.known ? '' : model.why).toContain('lies outside the workspace folders');
  });

  it('waits for a file that is still being read', () => {
    const slow: Workspace = { ...workspace({}), read: () => ({ ok: false, why: 'pending' }) };
    const { model } = resolveModel('./tiny', { catalog, workspace: slow, base: '/w' });
    expect(model.known ? '' : model.why).toBe('the config.json of ./tiny is still being read');
  });

  it('is empty-handed for an empty name', () => {
    expect(resolve('  ').model).toMatchObject({ known: false });
  });
});

describe('nearestNames', () => {
  it('puts the nearest first and leaves far ones out', () => {
    expect(nearestNames('gpt3', ['gpt2', 'gpt-neo', 'bert'], 5)).toEqual(['gpt2']);
  });
});
