import { readFileSync } from 'node:fs';
import Ajv from 'ajv';
import { describe, expect, it } from 'vitest';
import { evaluate } from '../../../server/src/core/estimate/memory/terms';
import type { RecordedSetting } from '../../../server/src/core/models/recorded';
import { loadRecordings } from '../../../server/src/data/activations';
import { composedSetting } from '../../../server/src/data/compose-activations';
import { PACKED_ACTIVATIONS } from '../../../server/src/generated/activations';

interface Setting {
  readonly head: readonly number[];
  readonly ends: string;
  readonly blocks: Readonly<Record<string, { readonly saved: string; readonly working?: readonly string[] }>>;
}

interface Data {
  readonly families: Readonly<
    Record<string, { readonly like?: string; readonly settings?: Readonly<Record<string, Setting>> }>
  >;
}

const read = (path: string): unknown => JSON.parse(readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8'));
const data = read('server/data/activations.json') as Data;
const recorded = loadRecordings();
const plain = (text: string | undefined): string | undefined => text?.replaceAll(' ', '');

describe('server/data/activations.json', () => {
  it('keeps to its schema', () => {
    const check = new Ajv({ allErrors: true }).compile(read('schemas/activations.schema.json') as object);
    check(data);
    expect(check.errors ?? []).toEqual([]);
  });

  it('is small when packed', () => {
    expect(PACKED_ACTIVATIONS.length).toBeLessThan(23_000);
  });

  it('gives back what was recorded', () => {
    for (const [name, family] of Object.entries(data.families)) {
      const settings = family.settings ?? data.families[family.like ?? '']?.settings ?? {};
      for (const [key, setting] of Object.entries(settings)) {
        const found = recorded(name, undefined).setting(key);
        expect(found?.head, `${name} ${key}`).toEqual(setting.head);
        expect(found?.ends).toBe(plain(setting.ends));
        for (const [block, { saved, working }] of Object.entries(setting.blocks)) {
          expect(found?.blocks[block]?.saved).toBe(plain(saved));
          expect(found?.blocks[block]?.working).toEqual((working ?? []).map(plain));
        }
      }
    }
  });
});

describe('loadRecordings', () => {
  const sizes: Readonly<Record<string, number>> = { T: 512, s: 256, b: 2, h: 512, n: 8, k: 2, d: 64, I: 1408 };
  const bytes = (text: string | undefined): number => evaluate(text ?? '', (symbol) => sizes[symbol] ?? 0);
  const saved = (name: string): number => bytes(recorded('llama', undefined).setting(name)?.blocks.block?.saved);

  it.each([
    ['sdpa bf16', 43.078],
    ['eager bf16', 70.016],
    ['sdpa amp', 53.078],
    ['sdpa bf16 checkpointing', 2],
  ])('has the counts that were first made by hand: %s', (name, expected) => {
    expect(saved(name) / (512 * 512)).toBeCloseTo(expected, 2);
  });

  it('takes a family that was not run to be like Llama, and says so', () => {
    const other = recorded('no_such_family', 'silu');
    expect(other).toMatchObject({ family: 'llama', isAssumed: true });
    expect(other.setting('sdpa bf16')?.ends).toBe(recorded('llama', 'silu').setting('sdpa bf16')?.ends);
    expect(other.setting('sdpa bf16')?.blocks['block experts']).toBeDefined();
  });

  it.each(['eager amp', 'sdpa amp frozen'])('puts %s together as it was counted', (name) => {
    const llama = recorded('llama', undefined);
    const others = (other: string): RecordedSetting | undefined =>
      other === name || !llama.has(other) ? undefined : llama.setting(other);
    expect(llama.has(name)).toBe(true);
    const saved = composedSetting(name, others)?.blocks.block?.saved;
    expect(bytes(saved) / bytes(llama.setting(name)?.blocks.block?.saved)).toBeCloseTo(1, 1);
  });

  it('takes what training keeps for the most that frozen weights keep, where the class did not run with them', () => {
    const deberta = recorded('deberta', 'gelu');
    expect(deberta.has('eager bf16 frozen')).toBe(false);
    expect(deberta.setting('eager bf16 frozen')?.blocks).toEqual(deberta.setting('eager bf16')?.blocks);
  });

  it('knows every family of the catalog, or why it was not run', () => {
    const { models } = read('server/data/models.json') as { models: readonly { model_type: string }[] };
    const silent = models.filter(({ model_type: type }) => {
      const family = recorded(type, undefined);
      return family.isAssumed === (family.why === undefined);
    });
    expect(silent).toEqual([]);
    expect(recorded('qwen', undefined).why).toContain('comes with the checkpoint');
  });

  it('tells blocks of one class apart by what else they keep', () => {
    const blocks = recorded('gemma3n_text', undefined).setting('sdpa bf16')?.blocks ?? {};
    expect(Object.keys(blocks)).toEqual(
      expect.arrayContaining(['block window sparse', 'block window', 'block window shared', 'block shared']),
    );
    expect(blocks['block window sparse']?.saved).not.toBe(blocks['block window']?.saved);
  });

  it('names the packages whose kernels ran, and has the class without them where it was run too', () => {
    expect(recorded('mamba', undefined)).toMatchObject({ kernels: 'mamba-ssm and causal-conv1d', plain: undefined });
    expect(recorded('llama', undefined).kernels).toBeUndefined();
  });

  it('takes the decoder of a composite model for what it is alone too', () => {
    expect(recorded('qwen3_5_text', undefined)).toMatchObject({ family: 'qwen3_5', isAssumed: false });
  });

  it('has another recording where the activation keeps something else', () => {
    const kernel = recorded('phi', 'gelu_pytorch_tanh').setting('sdpa bf16')?.blocks.block?.saved;
    const python = recorded('phi', 'gelu_new').setting('sdpa bf16')?.blocks.block?.saved;
    expect(kernel).toContain('4TI');
    expect(python).toContain('10TI');
  });
});
