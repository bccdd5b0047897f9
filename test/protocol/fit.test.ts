import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { CancellationTokenSource, type TextDocumentEdit } from 'vscode-languageserver-protocol';
import type { FitAnswer, SearchProgress } from '../../server/src/lsp/protocol';
import { uriOf } from '../../server/src/lsp/uri';
import { bundle } from '../bundle';
import { folderWith } from '../cli/shell';
import { DS, TRAIN } from '../fit-project';
import { startStdioEditor } from './stdio-editor';

const FILES = {
  'train.yaml': TRAIN,
  'ds.json': DS,
  'shardlens.json': '{ "sequenceLength": 2048, "target": "t", "targets": { "t": { "hardware": "p4d.24xlarge" } } }',
};

beforeAll(async () => {
  await bundle();
}, 60_000);

async function project() {
  const folder = folderWith(FILES);
  const editor = await startStdioEditor({ workspaceFolders: [{ uri: uriOf(folder), name: 'project' }] });
  const uri = uriOf(path.join(folder, 'train.yaml'));
  editor.open(uri, TRAIN);
  return { editor, uri };
}

describe('shardlens/fit', () => {
  it('answers with edits on the open document, in its version, and tells how far it is', async () => {
    const { editor, uri } = await project();
    const answer = await editor.connection.sendRequest<FitAnswer>('shardlens/fit', { uri });
    expect(answer).toMatchObject({ goal: 'fit', why: null, dialect: 'trainer' });
    const [first] = answer.remedies;
    expect(first?.after.memoryPerGpu?.fits).toBe(true);
    expect(first?.words.figures).toMatch(/of 39\.4 GiB/);
    const [edit] = (first?.edit.documentChanges ?? []) as TextDocumentEdit[];
    expect(edit?.textDocument).toEqual({ uri, version: 1 });
    const heard = (await editor.take('shardlens/searchProgress')) as SearchProgress;
    expect(heard).toMatchObject({ uri });
    expect(heard.done).toBeGreaterThan(0);
    dropProgress(editor.inbox);
    await editor.stop();
  });

  it('stops when the user cancels it, and other requests are answered meanwhile', async () => {
    const { editor, uri } = await project();
    const cancel = new CancellationTokenSource();
    const search = editor.connection.sendRequest('shardlens/fit', { uri }, cancel.token);
    const ended = search.then(
      () => 'answered',
      (error: { code: number }) => error.code,
    );
    await editor.take('shardlens/searchProgress');
    const lenses = await editor.connection.sendRequest<unknown[]>('shardlens/lenses', { uri });
    expect(lenses.length).toBeGreaterThan(0);
    cancel.cancel();
    expect(await ended).toBe(-32800);
    dropProgress(editor.inbox);
    await editor.stop();
  });

  it('gives way when the document changes under it', async () => {
    const { editor, uri } = await project();
    const ended = editor.connection.sendRequest('shardlens/fit', { uri }).then(
      () => 'answered',
      (error: { code: number }) => error.code,
    );
    await editor.take('shardlens/searchProgress');
    await editor.connection.sendNotification('textDocument/didChange', {
      textDocument: { uri, version: 2 },
      contentChanges: [{ text: TRAIN.replace('size: 8', 'size: 4') }],
    });
    expect(await ended).toBe(-32801);
    dropProgress(editor.inbox);
    await editor.stop();
  });
});

/** How often progress is told depends on the machine. */
function dropProgress(inbox: { method: string }[]): void {
  for (let i = inbox.length - 1; i >= 0; i--) if (inbox[i]?.method === 'shardlens/searchProgress') inbox.splice(i, 1);
}
