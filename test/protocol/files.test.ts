import { mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Finding } from '../../server/src/core/findings';
import type { ReadResult } from '../../server/src/core/source';
import { uriOf } from '../../server/src/lsp/uri';
import { fakeCore } from './fake-core';
import { startEditor } from './memory-editor';

let folder: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'shardlens-')));
});

/** A core whose only finding says what reading another file gave. */
function reading(...paths: string[]) {
  return fakeCore((file, { workspace }): Finding[] => {
    const results = paths.map((it) => shown(workspace.read(it)));
    const message = results.join(', ');
    return [{ rule: 'read', severity: 'hint', message, path: file.path, start: 0, end: 1, related: [], fixes: [] }];
  });
}

function shown(result: ReadResult): string {
  return result.ok ? result.text : result.why;
}

async function readThrough(paths: string[], root = folder): Promise<string | undefined> {
  const editor = await startEditor(reading(...paths), { folders: [uriOf(root)] });
  const uri = uriOf(path.join(root, 'open.json'));
  editor.open(uri, '{}');
  const [finding] = await editor.pull(uri);
  return typeof finding?.message === 'string' ? finding.message : undefined;
}

describe('files the core may read', () => {
  it('are those inside the workspace folders, links resolved', async () => {
    const inside = path.join(folder, 'work');
    mkdirSync(inside);
    writeFileSync(path.join(folder, 'secret.json'), 'secret');
    writeFileSync(path.join(inside, 'mine.json'), 'mine');
    symlinkSync(path.join(folder, 'secret.json'), path.join(inside, 'link.json'));
    symlinkSync(folder, path.join(inside, 'up'));
    symlinkSync(path.join(inside, 'mine.json'), path.join(inside, 'own-link.json'));
    const paths = ['mine.json', 'own-link.json', 'link.json', 'up/secret.json', 'none.json'];
    expect(
      await readThrough([...paths.map((name) => path.join(inside, name)), path.join(folder, 'secret.json')], inside),
    ).toBe('mine, mine, outside, outside, missing, outside');
  });

  it('are regular text files of a bearable size', async () => {
    writeFileSync(path.join(folder, 'large.json'), Buffer.alloc(9 * 1024 * 1024, 32));
    writeFileSync(path.join(folder, 'binary.json'), Buffer.from([0, 1, 2, 3]));
    mkdirSync(path.join(folder, 'folder.json'));
    const paths = ['large.json', 'binary.json', 'folder.json'].map((name) => path.join(folder, name));
    expect(await readThrough(paths)).toBe('too-large, binary, unreadable');
  });

  it('are read again when they have changed, without the client saying so', async () => {
    const other = path.join(folder, 'other.json');
    const core = reading(other);
    const editor = await startEditor(core, { folders: [uriOf(folder)] });
    const uri = uriOf(path.join(folder, 'open.json'));
    editor.open(uri, '{}');
    expect((await editor.pull(uri))[0]?.message).toBe('missing');
    writeFileSync(other, 'first');
    expect((await editor.pull(uri))[0]?.message).toBe('first');
    expect((await editor.pull(uri))[0]?.message).toBe('first');
    expect(core.analysed).toHaveLength(2);
    editor.open(uriOf(other), 'typed');
    expect((await editor.pull(uri))[0]?.message).toBe('typed');
  });

  it('are found when the folder they lie in appears', async () => {
    const model = path.join(folder, 'models', 'mine', 'config.json');
    const editor = await startEditor(reading(model), { folders: [uriOf(folder)] });
    const uri = uriOf(path.join(folder, 'open.json'));
    editor.open(uri, '{}');
    expect((await editor.pull(uri))[0]?.message).toBe('missing');
    mkdirSync(path.dirname(model), { recursive: true });
    expect((await editor.pull(uri))[0]?.message).toBe('missing');
    writeFileSync(model, 'config');
    expect((await editor.pull(uri))[0]?.message).toBe('config');
  });

  it('of a virtual workspace come from the client before the answer is given', async () => {
    const asked: string[] = [];
    const editor = await startEditor(reading('vscode-vfs://github/o/r/ds.json', 'vscode-vfs://github/o/r/none.json'), {
      folders: ['vscode-vfs://github/o/r'],
      answers: {
        'shardlens/readFile': ({ uri }: { uri: string }) => {
          asked.push(uri);
          return { base64: uri.endsWith('ds.json') ? Buffer.from('remote').toString('base64') : null };
        },
      },
    });
    const uri = 'vscode-vfs://github/o/r/train.yaml';
    editor.open(uri, 'a: 1', 'yaml');
    expect((await editor.pull(uri))[0]?.message).toBe('remote, missing');
    expect(asked).toHaveLength(2);
  });

  it('are not looked for beside an older version, or beside what an edit would make of a file', async () => {
    const editor = await startEditor(reading());
    for (const uri of ['git:/run/open.json?%7B%7D', 'shardlens-preview:/run/open.json?1']) {
      editor.open(uri, '{}');
      expect(await editor.pull(uri)).toEqual([]);
    }
    editor.open('vscode-vfs://github/run/open.json', '{}');
    expect(await editor.pull('vscode-vfs://github/run/open.json')).toHaveLength(1);
  });
});
