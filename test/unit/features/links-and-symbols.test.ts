import { describe, expect, it } from 'vitest';
import { linkAt, links } from '../../../server/src/core/features/links';
import { rulePage } from '../../../server/src/core/features/rule-page';
import { symbols } from '../../../server/src/core/features/symbols';
import { rules } from '../../../server/src/core/rules/index';
import { loadCatalogs } from '../../../server/src/data/index';
import { analysisOf, FILES, TRAIN } from './run-of';

const catalogs = loadCatalogs();

describe('links', () => {
  it('lead from the name without its quotes to the file', () => {
    const [link, ...others] = links(analysisOf('train.yaml')).filter(({ target }) => target.endsWith('ds.json'));
    expect(others).toEqual([]);
    expect(TRAIN.slice(link?.start, link?.end)).toBe('ds.json');
    expect(link?.target).toBe('/workspace/ds.json');
  });

  it('are found at their place only', () => {
    const analysis = analysisOf('train.yaml');
    expect(linkAt(analysis, TRAIN.indexOf('ds.json') + 2)?.target).toBe('/workspace/ds.json');
    expect(linkAt(analysis, TRAIN.indexOf('output_dir'))).toBeUndefined();
  });

  it('are none where the file is missing', () => {
    const analysis = analysisOf('train.yaml', { 'train.yaml': FILES['train.yaml'] });
    expect(links(analysis).filter(({ target }) => target.endsWith('ds.json'))).toEqual([]);
  });
});

describe('symbols', () => {
  it('are the keys, nested, with their values', () => {
    const outline = symbols(analysisOf('ds.json'));
    expect(outline.map(({ name }) => name)).toEqual([
      'bf16',
      'zero_optimization',
      'train_micro_batch_size_per_gpu',
      'steps_per_print',
    ]);
    expect(outline[1]?.children.map(({ name, detail, kind }) => [name, detail, kind])).toEqual([
      ['stage', '3', 'number'],
      ['reduce_bucket_size', '5e7', 'number'],
      ['offload_optimizer', undefined, 'section'],
    ]);
  });

  it('hold their names, also where the text breaks off', () => {
    for (const text of [
      '{ "zero_optimization": { "stage": 2 }, "bf16',
      '{ "zero_optimization": { "stage": 2 }, "": 1, "a": }',
    ]) {
      for (const symbol of symbols(analysisOf('ds.json', { 'ds.json': text }))) {
        expect(symbol.name).not.toBe('');
        expect(symbol.start).toBeLessThanOrEqual(symbol.nameStart);
        expect(symbol.end).toBeGreaterThanOrEqual(symbol.nameEnd);
      }
    }
  });

  it('are none for files of others', () => {
    expect(symbols(analysisOf('x.json', { 'x.json': '{ "a": 1 }' }))).toEqual([]);
  });
});

describe('rulePage', () => {
  it('says of every rule why, by which source, and shows an example', () => {
    for (const rule of rules) {
      const page = rulePage(rule, catalogs);
      expect(page).toContain(`# ${rule.id}\n`);
      expect(page).toContain(rule.why);
      for (const source of rule.source) expect(page).toContain(source);
      expect(page.match(/^```/gm)?.length ?? 0).toBeGreaterThanOrEqual(4);
    }
  });
});
