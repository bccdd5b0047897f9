import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { OpenDocuments } from '../../../server/src/lsp/documents';
import { Files } from '../../../server/src/lsp/files';
import type { RemoteFiles } from '../../../server/src/lsp/remote';

let folder: string;
let files: Files;

const at = (name: string): string => path.join(folder, name);
const read = (name: string) => files.at(at(name), files.rootsFor(at(name))).result;
const names = (name = '') => files.folder(path.join(folder, name), files.rootsFor(at(name))).names;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'shardlens-files-'));
  files = new Files(new OpenDocuments(), {} as RemoteFiles);
  files.open([folder], []);
});

afterEach(() => rmSync(folder, { recursive: true }));

it('finds in the next turn what was not there when the folder was listed', () => {
  writeFileSync(at('ds.json'), '{}');
  expect(names()).toEqual(['ds.json']);
  expect(read('train.yaml')).toEqual({ ok: false, why: 'missing' });
  writeFileSync(at('train.yaml'), 'bf16: true\n');
  // Within a turn all see the same files.
  expect(read('train.yaml')).toEqual({ ok: false, why: 'missing' });
  files.nextTurn();
  expect(read('train.yaml')).toEqual({ ok: true, text: 'bf16: true\n' });
});

it('finds folders, links and hidden files of a folder that was listed', () => {
  mkdirSync(at('configs'));
  writeFileSync(at('configs/ds.json'), '{}');
  writeFileSync(at('.env'), 'A=1');
  symlinkSync(at('configs'), at('linked'));
  expect(names()).toEqual(['.env', 'linked']);
  expect(read('configs/ds.json').ok).toBe(true);
  expect(read('linked/ds.json').ok).toBe(true);
  expect(read('.env').ok).toBe(true);
  expect(read('configs/other/ds.json')).toEqual({ ok: false, why: 'missing' });
});

it('reads again what was forgotten, and keeps what lies above it', () => {
  mkdirSync(at('run'));
  writeFileSync(at('ds.json'), '{}');
  writeFileSync(at('run/ds.json'), '{}');
  const look = (name: string) => files.at(at(name), files.rootsFor(at(name)));
  const [above, below] = [look('ds.json'), look('run/ds.json')];
  files.forgetBeside(folder);
  expect(look('run/ds.json')).toBe(below);
  for (let i = 0; i < 300; i++) look(`other/${i}.json`);
  files.forgetBeside(folder);
  expect(look('ds.json')).toBe(above);
  expect(look('run/ds.json')).not.toBe(below);
  expect(look('run/ds.json')).toEqual(below);
});

it('knows the byte order mark of a file, also where the editor keeps it out of the open text', () => {
  writeFileSync(at('ds.json'), '\uFEFF{}');
  expect(read('ds.json')).toEqual({ ok: true, text: '{}', mark: 'utf-8' });
  const documents = new OpenDocuments();
  const opened = new Files(documents, {} as RemoteFiles);
  opened.open([folder], []);
  documents.didOpen({ uri: `file://${at('ds.json')}`, languageId: 'json', version: 1, text: '{}' });
  const seen = () => opened.at(at('ds.json'), opened.rootsFor(at('ds.json')));
  const marked = seen();
  expect(marked.result).toEqual({ ok: true, text: '{}', mark: 'utf-8' });
  writeFileSync(at('ds.json'), '{}');
  opened.nextTurn();
  expect(seen().result).toEqual({ ok: true, text: '{}' });
  expect(seen().stamp).not.toBe(marked.stamp);
});
