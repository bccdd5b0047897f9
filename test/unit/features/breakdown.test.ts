import { describe, expect, it } from 'vitest';
import { bill, billMarkdown } from '../../../server/src/core/features/breakdown';
import { reportEstimate, reportRun } from '../../../server/src/core/features/report';
import { analysisOf, catalogs, DS, FILES, SETTINGS } from './run-of';

const GIB = 1024 ** 3;

describe('bill', () => {
  it('shows facts with their sources, phases, terms with formulas, and assumptions', () => {
    const it = bill(analysisOf('train.yaml'), catalogs);
    expect(it?.tables.map(({ title }) => title)).toEqual(
      expect.arrayContaining(['Run', 'Memory per GPU', 'Host memory per node', 'Step time', 'Offload', 'Assumptions']),
    );
    const facts = it?.tables.find(({ title }) => title === 'Run')?.rows ?? [];
    expect(facts).toContainEqual([
      'micro-batch',
      '2',
      expect.stringContaining('per_device_train_batch_size, train.yaml:3'),
    ]);
    expect(facts).toContainEqual(['sequence length', '512 tokens', 'sequenceLength, shardlens.json:4']);
  });

  it('has terms that add up to the peak', () => {
    const analysis = analysisOf('train.yaml');
    const memory = analysis.estimate()?.memory;
    const terms = bill(analysis, catalogs)?.tables.find(({ title }) => title.startsWith('What peaks'))?.rows ?? [];
    const sum = terms.reduce((total, row) => total + Number(row[1]), 0);
    expect(Math.abs(sum - (memory?.value ?? 0) / GIB)).toBeLessThan(0.01 * terms.length);
  });

  it('compares with common GPUs only where the hardware is not known', () => {
    const titles = (files: Record<string, string>) =>
      bill(analysisOf('train.yaml', files), catalogs)?.tables.map(({ title }) => title);
    expect(titles(FILES)).not.toContain('Against common GPUs');
    const unknown = { ...FILES, 'shardlens.json': SETTINGS.replace('"hardware": "p4d.24xlarge", ', '') };
    expect(titles(unknown)).toContain('Against common GPUs');
  });

  it('as Markdown keeps a table whole, whatever is in its cells', () => {
    const text = billMarkdown({
      title: 't',
      summary: 's',
      tables: [
        {
          title: 'x',
          lines: [],
          columns: [
            { title: 'a', align: 'left' },
            { title: 'b', align: 'right' },
          ],
          rows: [['p|q', 'r\ns']],
        },
      ],
    });
    expect(text).toBe('# t\n\ns\n\n## x\n\n| a | b |\n|:--|--:|\n| p\\|q | r s |\n');
  });

  it('is none for what describes no run', () => {
    expect(bill(analysisOf('shardlens.json'), catalogs)).toBeUndefined();
  });
});

describe('report', () => {
  it('gives null for what is not known', () => {
    const analysis = analysisOf('ds.json', { 'ds.json': DS });
    if (!analysis.run) throw new Error('no run');
    expect(reportRun(analysis.run)).toMatchObject({ model: null, hardware: null, worldSize: null, sharding: 'zero-3' });
    expect(reportEstimate(analysis)).toMatchObject({ memoryPerGpu: null, step: null });
  });

  it('gives every figure where all is known', () => {
    const analysis = analysisOf('train.yaml');
    if (!analysis.run) throw new Error('no run');
    expect(reportRun(analysis.run)).toMatchObject({ parameters: 8_030_261_248, worldSize: 4, globalBatch: 32 });
    const report = reportEstimate(analysis);
    expect(report?.memoryPerGpu?.low).toBeLessThan(report?.memoryPerGpu?.high ?? 0);
    expect(report?.step?.tokensPerSecondPerGpu).toBeGreaterThan(0);
  });
});
