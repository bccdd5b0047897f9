import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeModel } from '../../../server/src/core/models/describe';
import type { Model } from '../../../server/src/core/models/model';
import { loadModelCatalog } from '../../../server/src/data/models';

interface Record_ {
  readonly id: string;
  readonly model_type: string;
  readonly verified: boolean;
  readonly parameters: {
    readonly total: number;
    readonly active?: number;
    readonly embedding?: number;
    readonly embeddings?: number;
    readonly head?: number;
    readonly routed_experts?: number;
  };
  readonly blocks?: Readonly<Record<string, { count: number; params_min: number; params_max: number }>>;
}

const file = path.join(import.meta.dirname, '../../../server/data/models.json');
const records: readonly Record_[] = JSON.parse(readFileSync(file, 'utf8')).models;
const catalog = loadModelCatalog();

/** Parts of composite classes that FSDP may wrap but that are no repeated layers of ours. */
const NOT_LAYERS = /Projector$|PerceiverLayer$|Conv1d$|Embeddings$|Head$|Attention$|MLP$|Mixer$|Embedder$/;

function modelOf(id: string): Model {
  const record = catalog.find(id);
  if (!record) throw new Error(`${id} is not in the catalog`);
  const family = catalog.family(String(record.config.model_type));
  const result = describeModel(record.config, {
    name: id,
    source: record.source,
    confidence: record.confidence,
    family,
  });
  if ('problem' in result) throw new Error(`${id}: ${result.problem}`);
  return result.model;
}

function sizeOf(model: Model, wanted: (group: Model['groups'][number]) => boolean): number {
  return model.groups
    .filter(wanted)
    .reduce((sum, group) => sum + group.shape.reduce((product, side) => product * side, group.count), 0);
}

describe('verified records of the catalog', () => {
  const verified = records.filter((record) => record.verified);

  it('are those that the README counts', () => {
    expect(verified).toHaveLength(428);
  });

  it.each(verified.map((record) => [record.id, record] as const))('%s', (id, record) => {
    const model = modelOf(id);
    const { parameters } = record;
    expect(model.parameters.total).toBe(parameters.total);
    expect(model.parameters.active).toBe(parameters.active ?? parameters.total);
    expect(model.parameters.byKind.expert ?? 0).toBe(parameters.routed_experts ?? 0);
    if (parameters.embeddings !== undefined) {
      expect(sizeOf(model, (group) => group.module === 'embedding')).toBe(parameters.embeddings);
    }
    if (/ForCausalLM$|LMHeadModel$|ForConditionalGeneration$/.test(model.architecture)) {
      expect(model.parameters.byKind.head ?? 0).toBe(parameters.head ?? 0);
    }
    for (const [name, block] of Object.entries(record.blocks ?? {})) {
      const blocks = model.blocks.filter((item) => item.className === name);
      if (NOT_LAYERS.test(name) && blocks.length === 0) continue;
      const sizes = blocks.map((item) => item.parameters);
      expect({
        name,
        count: blocks.reduce((sum, item) => sum + item.count, 0),
        params_min: Math.min(...sizes),
        params_max: Math.max(...sizes),
      }).toEqual({ name, ...block });
    }
  });

  const counted = records.filter((record) => !record.verified && record.model_type !== 'phi3small');

  it.each(counted.map((record) => [record.id, record] as const))(
    '%s, whose class is not in transformers',
    (id, record) => {
      expect(modelOf(id).parameters.total).toBe(record.parameters.total);
    },
  );
});
