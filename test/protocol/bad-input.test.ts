import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Diagnostic } from 'vscode-languageserver-protocol';
import { methods } from '../../server/src/lsp/protocol';
import { uriOf } from '../../server/src/lsp/uri';
import { bundle } from '../bundle';
import { folderWith, shardlens } from '../cli/shell';
import { type StdioEditor, startStdioEditor } from './stdio-editor';

/** Whatever stands in an open file: every request is answered in two seconds, findings are those of the command line, and the server lives on. */
const LIMIT_MS = 2000;

const DS = '{ "train_micro_batch_size_per_gpu": 1, "zero_optimization": { "stage": 2 } }';
const TRAIN =
  'output_dir: out\nper_device_train_batch_size: 1\nlearning_rate: 1.0e-5\nnum_train_epochs: 1\nlogging_steps: 1\nbf16: true\n';
const bomb = [...'bcdefghij'].map((key, i) => `${key}: &${key} [${Array(9).fill(`*${'abcdefghi'[i]}`).join(', ')}]`);

const cases: [string, string, string, string | undefined][] = [
  ['nothing', 'ds_config.json', '', 'broken-syntax'],
  ['nothing, in YAML', 'accelerate.yaml', '', 'broken-syntax'],
  ['a list', 'deepspeed_config.json', '[]', 'broken-syntax'],
  ['a break', 'ds_config.json', DS.slice(0, -10), 'broken-syntax'],
  ['100,000 brackets', 'ds_config.json', '['.repeat(100_000), 'not-fully-read'],
  ['100,000 braces', 'ds_config.json', '{"a":'.repeat(100_000), 'not-fully-read'],
  ['100,000 dashes', 'train.yaml', `${TRAIN}x:\n  ${'- '.repeat(100_000)}a`, 'not-fully-read'],
  ['an alias bomb', 'accelerate.yaml', `distributed_type: MULTI_GPU\na: &a [1]\n${bomb.join('\n')}`, 'not-fully-read'],
  ['10 MB in one line', 'ds_config.json', `{"a": "${'x'.repeat(10_000_000)}"}`, 'not-fully-read'],
  ['10 MB of lines', 'train.yaml', TRAIN + '# x\n'.repeat(2_500_000), 'not-fully-read'],
  ['lone surrogates', 'ds_config.json', DS.replace('{', '{ "\\ud800\ud800": "\udc00",'), 'unknown-key-ignored'],
  ['old line ends', 'ds_config.json', DS.replaceAll(',', ',\r'), undefined],
  ['NUL', 'train.yaml', `${TRAIN}\0`, 'broken-syntax'],
  ['no settings', 'shardlens.json', 'null', 'broken-syntax'],
  [
    'names that every object has',
    'shardlens.json',
    '{ "__proto__": 1, "rules": { "constructor": "off" } }',
    'setting-not-used',
  ],
];

let editor: StdioEditor;
let folder: string;

beforeAll(async () => {
  await bundle();
  folder = folderWith({});
  editor = await startStdioEditor({ workspaceFolders: [{ uri: uriOf(folder), name: 'bad' }] });
}, 60_000);

afterAll(async () => {
  await editor.stop();
});

async function timed<T>(request: Promise<T>): Promise<T> {
  const start = performance.now();
  const answer = await request;
  expect(performance.now() - start).toBeLessThan(LIMIT_MS);
  return answer;
}

describe('an open file that holds', () => {
  it.each(cases)('%s', async (_, name, text, rule) => {
    const uri = uriOf(path.join(folder, name));
    const send = <T>(method: string, more: object = {}) =>
      timed(editor.connection.sendRequest<T>(method, { textDocument: { uri }, ...more }));
    editor.open(uri, text);
    const { items } = await send<{ items: Diagnostic[] }>('textDocument/diagnostic');
    if (rule === undefined) expect(items).toEqual([]);
    else expect(items.map(({ code }) => code)).toContain(rule);
    expect(items.map(({ code }) => code)).not.toContain('analysis-incomplete');
    const range = { start: { line: 0, character: 0 }, end: { line: 100_000, character: 0 } };
    await send('textDocument/inlayHint', { range });
    await send('textDocument/documentSymbol');
    await send('textDocument/documentLink');
    await send('textDocument/codeAction', { range, context: { diagnostics: [], only: ['source.fixAll'] } });
    await timed(editor.connection.sendRequest(methods.lenses, { uri }));
    for (const character of [0, 3, 1_000_000]) {
      const position = { line: 0, character };
      await send('textDocument/hover', { position });
      await send('textDocument/completion', { position });
      await send('textDocument/definition', { position });
    }
    await editor.connection.sendNotification('textDocument/didClose', { textDocument: { uri } });
  });

  it('something good, after all that', async () => {
    const uri = uriOf(path.join(folder, 'ds_config.json'));
    editor.open(uri, DS.replace('stage', 'stag'));
    const { items } = await timed(
      editor.connection.sendRequest<{ items: Diagnostic[] }>('textDocument/diagnostic', { textDocument: { uri } }),
    );
    expect(items.map(({ code }) => code)).toContain('unknown-key-rejected');
    await editor.connection.sendNotification('textDocument/didClose', { textDocument: { uri } });
  });
});

/** On disk a text with a NUL is binary, and one beyond 8 MiB is not read; an editor gives the text all the same. */
const onDisk = cases.filter(([, , text]) => text.length < 1_000_000 && !text.includes('\0'));

describe('parity on bad input', () => {
  it.each(onDisk)('%s', async (_, name, text) => {
    const own = folderWith({ [name]: text });
    const { out } = await shardlens(own, ['check', name, '--format', 'json']);
    const uri = uriOf(path.join(own, name));
    // Without a folder that holds it, a file sees its own folder, as on the command line.
    editor.open(uri, text.replace(/^\ufeff/, '').replace(/[\ud800-\udfff]/g, '\ufffd'));
    const { items } = await editor.connection.sendRequest<{ items: Diagnostic[] }>('textDocument/diagnostic', {
      textDocument: { uri },
    });
    const listed: { rule: string; message: string; range: unknown }[] = JSON.parse(out).files[0].findings;
    expect(items.map(({ code, message, range }) => ({ rule: code, message, range }))).toEqual(
      listed.map(({ rule, message, range }) => ({ rule, message, range })),
    );
    await editor.connection.sendNotification('textDocument/didClose', { textDocument: { uri } });
  });
});
