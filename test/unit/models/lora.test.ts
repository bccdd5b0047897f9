import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeModel } from '../../../server/src/core/models/describe';
import { countLora } from '../../../server/src/core/models/lora';
import type { Model } from '../../../server/src/core/models/model';
import { loadModelCatalog } from '../../../server/src/data/models';

interface Row {
  readonly model: string;
  readonly config: {
    readonly r: number;
    readonly target_modules?: readonly string[] | string;
    readonly modules_to_save?: readonly string[];
    readonly bias?: 'none' | 'all' | 'lora_only';
    readonly use_dora?: boolean;
  };
  readonly trainable: number;
}

/** Counted with PEFT itself: test/oracle/count_lora.py. */
const rows: readonly Row[] = JSON.parse(readFileSync(path.join(import.meta.dirname, 'fixtures/lora.json'), 'utf8'));
const catalog = loadModelCatalog();

function modelOf(id: string): Model {
  const record = catalog.find(id);
  const family = catalog.family(String(record?.config.model_type));
  const result = describeModel(record?.config, { name: id, source: '', confidence: 'high', family });
  if ('problem' in result) throw new Error(result.problem);
  return result.model;
}

describe('trainable parameters under LoRA', () => {
  it.each(rows.map((row) => [`${row.model} ${JSON.stringify(row.config)}`, row] as const))('%s', (_, row) => {
    const { r, target_modules, modules_to_save, bias, use_dora } = row.config;
    const count = countLora(modelOf(row.model), {
      rank: r,
      targets: target_modules,
      ...(modules_to_save && { modulesToSave: modules_to_save }),
      ...(bias && { bias }),
      ...(use_dora && { useDora: use_dora }),
    });
    expect(count).toMatchObject({ trainable: row.trainable });
  });

  it('says which name it did not find', () => {
    expect(countLora(modelOf('openai-community/gpt2'), { rank: 8, targets: ['q_proj'] })).toEqual({
      problem: 'no module is named q_proj',
    });
  });

  it('does not guess at a pattern that picks layers', () => {
    const pattern = String.raw`model\.layers\.(0|1)\.self_attn\.q_proj`;
    expect(countLora(modelOf('meta-llama/Meta-Llama-3-8B'), { rank: 8, targets: pattern })).toHaveProperty('problem');
  });

  it('refuses half of the fused gate and up projections, as PEFT does', () => {
    expect(countLora(modelOf('Qwen/Qwen3-30B-A3B'), { rank: 8, targets: ['gate_proj'] })).toEqual({
      problem: 'PEFT refuses gate_proj without up_proj',
    });
  });
});
