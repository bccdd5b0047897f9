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
    expect(PACKED_ACTIVATIONS.length).toBeLessThan(21_000);
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

  it('has another recording where the activation keeps something else', () => {
    const kernel = recorded('phi', 'gelu_pytorch_tanh').setting('sdpa bf16')?.blocks.block?.saved;
    const python = recorded('phi', 'gelu_new').setting('sdpa bf16')?.blocks.block?.saved;
    expect(kernel).toContain('4TI');
    expect(python).toContain('10TI');
  });
});
