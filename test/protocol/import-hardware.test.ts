import { mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { applyEdits } from '../../server/src/core/text/edit';
import { LineIndex } from '../../server/src/core/text/lines';
import { loadCatalogs } from '../../server/src/data/index';
import { type ImportHardwareAnswer, methods } from '../../server/src/lsp/protocol';
import { uriOf } from '../../server/src/lsp/uri';
import { fakeCore } from './fake-core';
import { startEditor } from './memory-editor';

const machines = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../fixtures/machines');
const printed = ['smi-h100.txt', 'topo-h100.txt'].map((name) => ({
  name,
  text: readFileSync(path.join(machines, name), 'utf8'),
}));

async function ask(files: Readonly<Record<string, string>>, params: object): Promise<[ImportHardwareAnswer, string]> {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'shardlens-')));
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
  const core = { ...fakeCore(() => []), catalogs: loadCatalogs() };
  const editor = await startEditor(core, { folders: [uriOf(folder)] });
  const uri = uriOf(path.join(folder, 'configs/ds.json'));
  return [await editor.connection.sendRequest(methods.importHardware, { uri, ...params }), folder];
}

describe('shardlens/importHardware', () => {
  it('tells what a machine is, with the place of each value, and writes nothing unasked', async () => {
    const [answer] = await ask({}, { printed });
    expect(answer).toMatchObject({ title: '8 × H100', known: true, change: null, unrecognised: [] });
    expect(answer.values[0]).toMatchObject({ key: 'node.accelerator', place: 'smi-h100.txt:9' });
    expect(answer.suggestions[0]).toMatch(/^dgx-h100: /);
  });

  it('gives the edits of the shardlens.json in force, which keep all else', async () => {
    const before = '{\n  // ours\n  "target": "old",\n  "targets": { "old": { "hardware": "p4d.24xlarge" } }\n}\n';
    const [{ change }] = await ask({ 'shardlens.json': before }, { printed, target: 'box' });
    if (!change || 'problem' in change) throw new Error('a change is expected');
    expect(change.exists).toBe(true);
    const lines = new LineIndex(before);
    const after = applyEdits(
      before,
      change.edits.map(({ range, newText }) => ({
        start: lines.offsetAt(range.start),
        end: lines.offsetAt(range.end),
        newText,
      })),
    );
    expect(after).toContain('  // ours\n  "target": "old",');
    expect(after).toMatch(/"box": \{ ?"hardware": "box" ?\}/);
    expect(after).toContain('"accelerator": "nvidia-h100-sxm5-80gb"');
  });

  it('gives a new file where there is none, at the top of the folder', async () => {
    const [{ change }, folder] = await ask({}, { printed, target: 'box' });
    expect(change).toMatchObject({ uri: uriOf(path.join(folder, 'shardlens.json')), exists: false });
  });

  it('says what is wrong with a shardlens.json that cannot take it', async () => {
    const [{ change }] = await ask({ 'shardlens.json': '{ "targets": ' }, { printed, target: 'box' });
    expect(change).toMatchObject({ problem: 'shardlens.json has a syntax error; mend it first.' });
  });

  it('says of a text that nothing in it was recognised', async () => {
    const [answer] = await ask({}, { printed: [{ name: 'x.txt', text: 'hello' }], target: 'box' });
    expect(answer).toMatchObject({ known: false, unrecognised: ['x.txt'], change: null });
  });
});
