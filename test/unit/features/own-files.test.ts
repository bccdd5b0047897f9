import { describe, expect, it } from 'vitest';
import { analyze } from '../../../server/src/core/analyze';
import { completion } from '../../../server/src/core/features/completion';
import { hover } from '../../../server/src/core/features/hover';
import { loadCatalogs } from '../../../server/src/data/index';
import { memoryWorkspace, ROOT } from '../../memory-workspace';

const catalogs = loadCatalogs();

function marked(name: string, text: string) {
  const offset = text.indexOf('⟦');
  const workspace = memoryWorkspace({ [name]: text.replace('⟦', '') });
  const file = workspace.source(`${ROOT}/${name}`);
  if (!file) throw new Error('no file');
  return { analysis: analyze(file, { workspace, catalogs }), offset };
}

function proposed(name: string, text: string): readonly string[] {
  const { analysis, offset } = marked(name, text);
  return completion(analysis, offset, catalogs).map(({ label }) => label);
}

describe('in our own files', () => {
  it.each([
    ['shardlens.json', '{ ⟦ }', ['targets', 'model', 'hardware']],
    ['shardlens.json', '{ "targets": { "box": { ⟦ } } }', ['hardware', 'nodes', 'gpusPerNode']],
    ['shardlens.json', '{ "hardware": { "box": { ⟦ } } }', ['instance', 'node', 'inside', 'between']],
    [
      'shardlens.json',
      '{ "hardware": { "box": { "node": { "accelerator": { ⟦ } } } } }',
      ['like', 'memoryGiB', 'peakTflops'],
    ],
    ['cluster.json', '{ "instance": "p4d.24xlarge", "nodes": 2, "between": { ⟦ } }', ['transport', 'gbpsPerNic']],
    [
      'cluster.json',
      '{ "instance": "p4d.24xlarge", "nodes": 2, "between": { "transport": "⟦" } }',
      ['"efa-gdr"', '"tcp"'],
    ],
  ])('%s: %s proposes what its schema has there', (name, text, labels) => {
    expect(proposed(name, text)).toEqual(expect.arrayContaining(labels));
  });

  it('hover says what a key of an own accelerator is', () => {
    const { analysis, offset } = marked(
      'shardlens.json',
      '{ "hardware": { "box": { "node": { "accelerator": { "name": "X", "like": "L40S", "memory⟦GiB": 96 } } } } }',
    );
    expect(hover(analysis, offset, catalogs)?.markdown).toContain('total_memory');
  });
});
