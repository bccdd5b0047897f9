import { describe, expect, it } from 'vitest';
import {
  computeCapability,
  supportsBf16,
  supportsFlashAttention,
  supportsFp8,
  supportsTf32,
} from '../../../server/src/core/hardware/capability';
import { hardwareDetail, hardwareRows } from '../../../server/src/core/hardware/describe';
import type { Accelerator } from '../../../server/src/core/hardware/hardware';
import { loadHardwareCatalog } from '../../../server/src/data/hardware';

const catalog = loadHardwareCatalog();
function chip(name: string): Accelerator {
  const found = catalog.accelerator(name);
  if (found === undefined) throw new Error(name);
  return found;
}

describe('what an accelerator can do', () => {
  it.each([
    ['V100', false, false, false],
    ['T4', false, false, false],
    ['A100', true, true, false],
    ['L40S', true, true, true],
    ['H100', true, true, true],
    ['B200', true, true, true],
  ])('%s: bf16 %s, tf32 %s, fp8 %s', (name, bf16, tf32, fp8) => {
    const a = chip(name);
    expect(supportsBf16(a).supported).toBe(bf16);
    expect(supportsTf32(a).supported).toBe(tf32);
    expect(supportsFp8(a).supported).toBe(fp8);
  });

  it('says why not', () => {
    expect(supportsBf16(chip('V100')).because).toBe(
      'bf16 needs Ampere (8.0) or newer, and this is V100-16GB (Volta, 7.0)',
    );
  });

  it('knows FlashAttention 2 from Ampere on and 3 on Hopper only', () => {
    expect(supportsFlashAttention(chip('T4'), 2).supported).toBe(false);
    expect(supportsFlashAttention(chip('A100'), 2).supported).toBe(true);
    expect(supportsFlashAttention(chip('A100'), 3).supported).toBe(false);
    expect(supportsFlashAttention(chip('H100'), 3).supported).toBe(true);
  });

  it('does not promise what the catalog puts in words', () => {
    expect(supportsFlashAttention(chip('MI300X'), 2)).toMatchObject({ supported: undefined });
    expect(supportsFp8(chip('MI300X')).because).toContain('FNUZ');
  });

  it('gives compute capability for NVIDIA only', () => {
    expect(computeCapability(chip('RTX 4090'))).toBe(8.9);
    expect(computeCapability(chip('MI300X'))).toBeUndefined();
  });
});

describe('shardlens hardware', () => {
  it('lists every accelerator and instance once, without holes in the text', () => {
    const rows = hardwareRows(catalog);
    expect(rows.length).toBe(81 + 190);
    expect(new Set(rows.map((row) => row.id)).size).toBe(rows.length);
    expect(JSON.stringify(rows)).not.toMatch(/NaN|undefined|Infinity/);
    expect(rows.find((row) => row.id === 'p4d.24xlarge')).toMatchObject({
      what: '8 × A100-40GB',
      inside: 'NVSwitch 300 GB/s',
      between: 'EFA 6.25 GB/s per GPU, GPUDirect RDMA',
    });
  });

  it('shows every record with its sources explained', () => {
    for (const { id } of hardwareRows(catalog)) {
      const shown = hardwareDetail(id, catalog);
      if (!('detail' in shown)) throw new Error(id);
      expect(JSON.stringify(shown.detail), id).not.toMatch(/NaN|undefined|Infinity|no description/);
      expect(shown.detail.sources.length, id).toBeGreaterThan(0);
      expect(shown.detail.asOf, id).toMatch(/^\d{4}-\d\d-\d\d$/);
    }
  });

  it('says what else a name could mean, and offers names for a mistyped one', () => {
    const a100 = hardwareDetail('A100', catalog);
    expect('detail' in a100 && a100.detail.notes.join()).toContain('nvidia-a100-sxm4-80gb');
    expect(hardwareDetail('g6e.48xlarg', catalog)).toMatchObject({ nearest: expect.arrayContaining(['g6e.48xlarge']) });
  });
});
