import { describe, expect, it } from 'vitest';
import { bill } from '../../../server/src/core/features/breakdown';
import { analysisOf, catalogs, FILES, SETTINGS } from './run-of';

describe('the bill of a step', () => {
  const lines = (files: Record<string, string> = FILES) =>
    bill(analysisOf('train.yaml', files), catalogs)?.tables.find(({ title }) => title === 'Step time')?.lines ?? [];

  it('says what it costs where the machine has a dated price, by the hour of the whole node', () => {
    const step = analysisOf('train.yaml').estimate()?.step;
    const cost = lines().find((line) => line.startsWith('On demand'));
    const [, perStep = '', date = ''] = /US\$ ([\d.]+) per step.*\(us-east-1, ([\d-]+)\)/.exec(cost ?? '') ?? [];
    expect(date).toMatch(/^\d{4}-\d{2}-\d{2}$/);
    // A p4d.24xlarge costs US$ 21.9576 an hour.
    expect(Number(perStep) / (((step?.seconds ?? 0) * 21.9576) / 3600)).toBeCloseTo(1, 1);
  });

  it('says nothing of cost for a machine without a price', () => {
    const own = { ...FILES, 'shardlens.json': SETTINGS.replace('p4d.24xlarge', 'nvidia-a100-sxm4-40gb') };
    expect(lines(own).length).toBeGreaterThan(0);
    expect(lines(own).some((line) => line.startsWith('On demand'))).toBe(false);
  });
});
