import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadHardwareCatalog } from '../../../server/src/data/hardware';

const catalog = loadHardwareCatalog();
interface Named {
  readonly id: string;
  readonly name?: string;
  readonly aliases?: readonly string[];
}
const data = JSON.parse(readFileSync(new URL('../../../server/data/hardware.json', import.meta.url), 'utf8')) as {
  readonly accelerators: readonly Named[];
  readonly instances: readonly Named[];
};

describe('names of hardware', () => {
  it('resolves every id to itself, in any case', () => {
    for (const { id } of data.accelerators) {
      expect(catalog.accelerator(id)?.id).toBe(id);
      expect(catalog.accelerator(id.toUpperCase())?.id).toBe(id);
      expect(catalog.resolve(id)?.accelerator?.id).toBe(id);
    }
    for (const { id } of data.instances) {
      expect(catalog.instance(id)?.id).toBe(id);
      expect(catalog.resolve(id.toLowerCase())?.instance?.id).toBe(id);
      expect(catalog.resolve(`ml.${id}`)?.instance?.id).toBe(id);
    }
  });

  it('resolves every alias to its record, and a shared one to the first with the others named', () => {
    for (const record of data.accelerators) {
      for (const alias of [record.name ?? '', ...(record.aliases ?? [])]) {
        const match = catalog.resolve(alias);
        const found = [match?.accelerator?.id, ...(match?.others ?? [])];
        expect(found, alias).toContain(record.id);
      }
    }
    for (const record of data.instances) {
      for (const alias of record.aliases ?? []) expect(catalog.instance(alias)?.id, alias).toBe(record.id);
    }
  });

  it.each([
    ['A100-80GB', 'nvidia-a100-sxm4-80gb', undefined],
    ['a100_80gb', 'nvidia-a100-sxm4-80gb', undefined],
    ['A100 40G', 'nvidia-a100-sxm4-40gb', undefined],
    ['h100', 'nvidia-h100-sxm5-80gb', undefined],
    ['H100-SXM', 'nvidia-h100-sxm5-80gb', undefined],
    ['NVIDIA H100 80GB HBM3', 'nvidia-h100-sxm5-80gb', undefined],
    ['h100-pcie', 'nvidia-h100-pcie-80gb', undefined],
    ['8xH100', 'nvidia-h100-sxm5-80gb', 8],
    ['8 x H100', 'nvidia-h100-sxm5-80gb', 8],
    ['h100x8', 'nvidia-h100-sxm5-80gb', 8],
    ['H100:8', 'nvidia-h100-sxm5-80gb', 8],
    ['a100-40x8', 'nvidia-a100-sxm4-40gb', 8],
    ['2x RTX 4090', 'nvidia-rtx-4090', 2],
    ['L40S', 'nvidia-l40s', undefined],
    ['rtx 4090', 'nvidia-rtx-4090', undefined],
    ['RTX-4090', 'nvidia-rtx-4090', undefined],
    ['GeForce RTX 3090', 'nvidia-rtx-3090', undefined],
    ['Tesla V100', 'nvidia-v100-sxm2-16gb', undefined],
    ['MI300X', 'amd-mi300x', undefined],
  ])('reads %s', (text, id, count) => {
    const match = catalog.resolve(text);
    expect(match?.accelerator?.id).toBe(id);
    expect(match?.count).toBe(count);
  });

  it('says what an ambiguous name could have meant', () => {
    const match = catalog.resolve('A100');
    expect(match?.accelerator?.id).toBe('nvidia-a100-sxm4-40gb');
    expect(match?.others).toContain('nvidia-a100-sxm4-80gb');
    expect(catalog.resolve('A100-SXM4-80GB')?.others).toEqual([]);
  });

  it('reads an instance as SageMaker and Azure write it', () => {
    expect(catalog.resolve('ml.p4d.24xlarge')?.instance?.id).toBe('p4d.24xlarge');
    expect(catalog.resolve('ND96isr_H100_v5')?.instance?.id).toBe('Standard_ND96isr_H100_v5');
  });

  it.each(['', '   ', 'x', '8x', 'x8', '0xH100', 'toString', '__proto__', 'a'.repeat(5000), '8xp4d.24xlarge'])(
    'does not take %j for hardware',
    (text) => {
      expect(catalog.resolve(text)).toBeUndefined();
      expect(Array.isArray(catalog.nearest(text, 3))).toBe(true);
    },
  );

  it.each([
    ['p4d.24xlarg', 'p4d.24xlarge'],
    ['p5.48xlrage', 'p5.48xlarge'],
    ['g6e.4', 'g6e.48xlarge'],
    ['RTX 4091', 'RTX 4090'],
    ['H1000', 'H100'],
  ])('offers for %s the name %s', (typed, meant) => {
    expect(catalog.nearest(typed, 3)).toContain(meant);
  });

  it('puts names that begin with what was typed first, and each once', () => {
    expect(catalog.nearest('p4d', 3)).toEqual(['p4d.24xlarge', 'p4de.24xlarge', 'P40']);
  });

  it('offers nothing far away', () => {
    expect(catalog.nearest('zzzzqqqq', 3)).toEqual([]);
  });
});
