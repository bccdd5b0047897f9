import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type {
  CodeAction,
  CompletionList,
  Diagnostic,
  DocumentDiagnosticReport,
  DocumentLink,
  DocumentSymbol,
  Hover,
  InlayHint,
  LocationLink,
  TextDocumentEdit,
} from 'vscode-languageserver-protocol';
import type { BreakdownAnswer, FileStatus, Lens, TargetsAnswer } from '../../server/src/lsp/protocol';
import { pathOf, uriOf } from '../../server/src/lsp/uri';
import { bundle } from '../bundle';
import { folderWith, shardlens } from '../cli/shell';
import { BUNDLE, type StdioEditor, startStdioEditor } from './stdio-editor';

const FILES = {
  'shardlens.json': `{
  "target": "cluster",
  "targets": { "cluster": { "hardware": "p4d.24xlarge", "nodes": 1, "gpusPerNode": 4 } },
  "sequenceLength": 512
}
`,
  'ds.json': `{
  "bf16": { "enabled": true },
  "zero_optimization": {
    "stage": 3,
    "overlap_com": true,
    "reduce_bucket_size": 5e7,
    "offload_optimizer": {
      "device": "cpu"
    }
  },
  "train_micro_batch_size_per_gpu": "auto",
  "gradient_accumulation_steps": "auto"
}
`,
  'train.yaml': `model_name_or_path: meta-llama/Meta-Llama-3-8B
output_dir: out
per_device_train_batch_size: 2
gradient_accumulation_steps: 4
learning_rate: 1.0e-5
num_train_epochs: 1
logging_steps: 10
bf16: true
gradient_checkpointing: true
deepspeed: ds.json
`,
};

type Name = keyof typeof FILES;

beforeAll(async () => {
  await bundle();
}, 60_000);

/** An editor on a folder with the files, and a way to name and open them. */
async function project(files: Readonly<Record<string, string>> = FILES) {
  const folder = folderWith(files);
  const editor = await startStdioEditor({ workspaceFolders: [{ uri: uriOf(folder), name: 'project' }] });
  const uri = (name: string) => uriOf(path.join(folder, name));
  const ask = <R>(method: string, name: string, more: object = {}) =>
    editor.connection.sendRequest<R>(method, { textDocument: { uri: uri(name) }, ...more });
  const pull = async (name: string): Promise<Diagnostic[]> => {
    const report = await ask<DocumentDiagnosticReport>('textDocument/diagnostic', name);
    return report.kind === 'full' ? report.items : [];
  };
  const open = (name: Name) => editor.open(uri(name), FILES[name]);
  return { folder, editor, uri, ask, pull, open };
}

/** The position just after a text in one of the files. */
function behind(name: Name, text: string): { position: { line: number; character: number } } {
  const before = FILES[name].slice(0, FILES[name].indexOf(text) + text.length).split('\n');
  return { position: { line: before.length - 1, character: before.at(-1)?.length ?? 0 } };
}

const EVERYWHERE = { range: { start: { line: 0, character: 0 }, end: { line: 1000, character: 0 } } };

function change(editor: StdioEditor, uri: string, version: number, text: string): void {
  void editor.connection.sendNotification('textDocument/didChange', {
    textDocument: { uri, version },
    contentChanges: [{ text }],
  });
}

describe('the server over stdio', () => {
  it('offers what it can do', async () => {
    const { editor } = await project();
    expect(editor.initialized.serverInfo?.name).toBe('shardlens');
    expect(Object.keys(editor.initialized.capabilities).sort()).toEqual([
      'codeActionProvider',
      'completionProvider',
      'definitionProvider',
      'diagnosticProvider',
      'documentLinkProvider',
      'documentSymbolProvider',
      'hoverProvider',
      'inlayHintProvider',
      'positionEncoding',
      'textDocumentSync',
      'workspace',
    ]);
    await editor.stop();
  });

  it('finds a mistake, offers the edit that mends it, and is silent when it is applied', async () => {
    const { editor, uri, ask, pull, open } = await project();
    open('ds.json');
    const [finding] = (await pull('ds.json')).filter(({ severity }) => severity === 1);
    expect(finding).toMatchObject({ code: 'unknown-key-rejected', source: 'shardlens' });
    if (!finding) throw new Error('no finding');
    const [fix] = await ask<CodeAction[]>('textDocument/codeAction', 'ds.json', {
      range: finding.range,
      context: { diagnostics: [finding] },
    });
    expect(fix).toMatchObject({ kind: 'quickfix', isPreferred: true, title: 'Rename to overlap_comm' });
    const [edit] = (fix?.edit?.documentChanges ?? []) as TextDocumentEdit[];
    expect(edit?.textDocument).toEqual({ uri: uri('ds.json'), version: 1 });
    const [all] = await ask<CodeAction[]>('textDocument/codeAction', 'ds.json', {
      ...EVERYWHERE,
      context: { diagnostics: [], only: ['source.fixAll'] },
    });
    expect(all).toMatchObject({
      kind: 'source.fixAll.shardlens',
      edit: { documentChanges: [{ textDocument: edit?.textDocument, edits: [{ newText: 'm' }] }] },
    });
    change(editor, uri('ds.json'), 2, FILES['ds.json'].replace('overlap_com"', 'overlap_comm"'));
    expect((await pull('ds.json')).filter(({ severity }) => severity === 1)).toEqual([]);
    await editor.stop();
  });

  it('shows memory, offload, bucket sizes and what "auto" becomes after the values', async () => {
    const { editor, ask, open } = await project();
    open('ds.json');
    const hints = await ask<InlayHint[]>('textDocument/inlayHint', 'ds.json', EVERYWHERE);
    const lineOf = (text: string) => behind('ds.json', text).position.line;
    const at = (text: string) =>
      hints.filter(({ position }) => position.line === lineOf(text)).map(({ label }) => label);
    expect(at('"stage": 3')).toEqual([expect.stringMatching(/^[\d.]+ of 39\.4 GiB per GPU/)]);
    expect(at('"reduce_bucket_size"')).toEqual(['95.4 MiB']);
    expect(at('"cpu"\n    }')).toEqual([expect.stringMatching(/^host \d+ GiB · ≈ [\d.]+ s\/step/)]);
    expect(at('"train_micro_batch_size_per_gpu"')).toEqual([expect.stringMatching(/^= 2 ← .*train\.yaml:3/)]);
    await editor.connection.sendNotification('workspace/didChangeConfiguration', {
      settings: { shardlens: { hints: { enabled: false } } },
    });
    expect(await ask('textDocument/inlayHint', 'ds.json', EVERYWHERE)).toEqual([]);
    await editor.take('workspace/diagnostic/refresh');
    await editor.stop();
  });

  it('says on hovering a figure of memory what the largest terms are, and what makes them smaller', async () => {
    const { editor, ask, open } = await project();
    open('ds.json');
    const hints = await ask<InlayHint[]>('textDocument/inlayHint', 'ds.json', EVERYWHERE);
    const hint = hints.find(({ label }) => String(label).includes('per GPU'));
    expect(JSON.stringify(hint?.tooltip)).not.toContain('takes');
    const resolved = await editor.connection.sendRequest<InlayHint>('inlayHint/resolve', hint);
    expect(JSON.stringify(resolved.tooltip)).toMatch(/- [^:]+ GiB: `[^`]+`[^.]* takes [\d.]+ GiB off/);
    const hover = await ask<Hover>('textDocument/hover', 'ds.json', behind('ds.json', '"stage'));
    expect(JSON.stringify(hover.contents)).toMatch(/Largest at the peak:.*takes [\d.]+ GiB off/);
    await editor.stop();
  });

  it('explains a key on hover, and proposes keys and values', async () => {
    const { editor, ask, open } = await project();
    open('ds.json');
    const hover = await ask<Hover>('textDocument/hover', 'ds.json', behind('ds.json', '"reduce_bucket'));
    expect(JSON.stringify(hover.contents)).toContain('95.4 MiB');
    const keys = await ask<CompletionList>('textDocument/completion', 'ds.json', behind('ds.json', '"overlap_com'));
    expect(keys.items.map(({ label }) => label)).toContain('overlap_comm');
    const values = await ask<CompletionList>('textDocument/completion', 'ds.json', behind('ds.json', '"stage": '));
    expect(values.items.map(({ label }) => label)).toEqual(expect.arrayContaining(['0', '1', '2', '3']));
    await editor.stop();
  });

  it('leads from a file name to the file', async () => {
    const { editor, uri, ask, open } = await project();
    open('train.yaml');
    const links = await ask<DocumentLink[]>('textDocument/documentLink', 'train.yaml');
    expect(links.map(({ target }) => target)).toContain(uri('ds.json'));
    const [definition] = await ask<LocationLink[]>(
      'textDocument/definition',
      'train.yaml',
      behind('train.yaml', 'deepspeed: ds'),
    );
    expect(definition?.targetUri).toBe(uri('ds.json'));
    expect(await ask('textDocument/definition', 'train.yaml', behind('train.yaml', 'output_dir: o'))).toEqual([]);
    await editor.stop();
  });

  it('gives an outline', async () => {
    const { editor, ask, open } = await project();
    open('ds.json');
    const symbols = await ask<DocumentSymbol[]>('textDocument/documentSymbol', 'ds.json');
    expect(symbols.map(({ name }) => name)).toEqual([
      'bf16',
      'zero_optimization',
      'train_micro_batch_size_per_gpu',
      'gradient_accumulation_steps',
    ]);
    expect(symbols[1]?.children?.[0]).toMatchObject({ name: 'stage', detail: '3' });
    await editor.stop();
  });

  it('gives our own client lenses, status, targets, the breakdown and rule pages', async () => {
    const { editor, uri, open } = await project();
    open('ds.json');
    const own = <R>(method: string, params: object) => editor.connection.sendRequest<R>(method, params);
    const document = { uri: uri('ds.json') };
    const [summary] = await own<Lens[]>('shardlens/lenses', document);
    expect(summary?.title).toMatch(
      /^8\.0 B · 4 × A100-40GB \(p4d\.24xlarge\) · [\d.]+ of 39\.4 GiB.* · ≈ [\d.]+ s\/step$/,
    );
    expect(summary?.action).toBe('breakdown');
    const status = await own<FileStatus>('shardlens/status', document);
    expect(status).toMatchObject({ title: 'DeepSpeed config', foreign: false, errors: 1 });
    const targets = await own<TargetsAnswer>('shardlens/targets', document);
    expect(targets.settingsUri).toBe(uri('shardlens.json'));
    expect(targets.targets).toEqual([
      { name: 'cluster', detail: 'hardware: p4d.24xlarge, nodes: 1, gpusPerNode: 4', current: true },
    ]);
    expect(targets.instances[0]?.id).toBe('p5.48xlarge');
    const { markdown } = await own<BreakdownAnswer>('shardlens/breakdown', document);
    expect(markdown).toContain('## Memory per GPU');
    expect(markdown).toContain('| Adam moments');
    expect(await own('shardlens/explain', { rule: 'unknown-key-rejected' })).toMatchObject({
      markdown: expect.stringContaining('# unknown-key-rejected'),
    });
    change(editor, uri('ds.json'), 2, FILES['ds.json'].replace('"stage": 3', '"stage": 2'));
    const [unsaved] = await own<Lens[]>('shardlens/lenses', document);
    expect(unsaved?.title).toMatch(/ · [\d.]+ → [\d.]+ of 39\.4 GiB/);
    // What was saved is compared with what else is open now, also where only that has changed since.
    const was = (lens?: Lens) => / · ([\d.]+) → [\d.]+ of 39\.4 GiB/.exec(lens?.title ?? '')?.[1];
    change(editor, uri('ds.json'), 3, FILES['ds.json'].replace('"stage": 3', '"stage":  2'));
    const [again] = await own<Lens[]>('shardlens/lenses', document);
    expect(again?.title).toBe(unsaved?.title);
    open('train.yaml');
    change(editor, uri('train.yaml'), 2, FILES['train.yaml'].replace('batch_size: 2', 'batch_size: 8'));
    const [larger] = await own<Lens[]>('shardlens/lenses', document);
    expect(Number(was(larger))).toBeGreaterThan(Number(was(unsaved)));
    await editor.connection.sendNotification('shardlens/overrides', { hardware: 'g6e.48xlarge', gpusPerNode: 8 });
    const [changed] = await own<Lens[]>('shardlens/lenses', document);
    expect(changed?.title).toContain('8 × L40S');
    await editor.take('workspace/diagnostic/refresh');
    await editor.stop();
  });

  it('answers the last of many changes, and every request', async () => {
    const { editor, uri, pull, ask, open } = await project();
    open('ds.json');
    const answers: Promise<unknown>[] = [];
    for (let version = 2; version <= 40; version++) {
      change(editor, uri('ds.json'), version, FILES['ds.json'].replace('5e7', `${version}e7`));
      answers.push(ask('textDocument/inlayHint', 'ds.json', EVERYWHERE).catch((error: unknown) => error));
    }
    expect(await Promise.all(answers)).toHaveLength(39);
    const hints = await ask<InlayHint[]>('textDocument/inlayHint', 'ds.json', EVERYWHERE);
    expect(hints.map(({ label }) => label)).toContain('763 MiB');
    expect(await pull('ds.json')).not.toEqual([]);
    await editor.stop();
  });

  it('works without folders, on unsaved documents, and says nothing about what is not its own', async () => {
    const editor = await startStdioEditor();
    const uri = 'untitled:Untitled-1';
    void editor.connection.sendNotification('textDocument/didOpen', {
      textDocument: { uri, languageId: 'json', version: 1, text: FILES['ds.json'] },
    });
    const ask = (of: string) =>
      editor.connection.sendRequest<{ items: Diagnostic[] }>('textDocument/diagnostic', { textDocument: { uri: of } });
    expect((await ask(uri)).items.map(({ code }) => code)).toContain('unknown-key-rejected');
    editor.open('file:///nowhere/settings.json', '{ "editor.fontSize": 12 }');
    expect((await ask('file:///nowhere/settings.json')).items).toEqual([]);
    await editor.stop();
  });

  it('ends when the editor that started it is gone', async () => {
    const server = spawn(process.execPath, [BUNDLE, 'lsp', '--stdio']);
    const ended = new Promise((resolve) => server.on('exit', resolve));
    server.stdin.end();
    expect(await ended).toBe(1);
  });
});

describe('the server on a Node channel', () => {
  it('answers as over stdio', async () => {
    const server = spawn(process.execPath, [BUNDLE, 'lsp', '--node-ipc'], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const answer = new Promise((resolve) => server.on('message', resolve));
    server.send({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { processId: process.pid, rootUri: null, capabilities: {}, workspaceFolders: null },
    });
    expect(await answer).toMatchObject({ id: 1, result: { serverInfo: { name: 'shardlens' } } });
    const ended = new Promise((resolve) => server.on('exit', resolve));
    server.disconnect();
    await ended;
  });
});

describe('parity', () => {
  it('check and the editor give the same findings and fixes for the same bytes, in the same order', async () => {
    const examples = path.join(path.dirname(BUNDLE), '../examples');
    const { out } = await shardlens(examples, ['check', '.', '--format', 'json']);
    const { files } = JSON.parse(out);
    expect(files.length).toBeGreaterThan(5);
    const editor = await startStdioEditor({
      workspaceFolders: [{ uri: uriOf(path.dirname(examples)), name: 'examples' }],
    });
    let count = 0;
    for (const file of files) {
      const uri = uriOf(path.join(examples, file.path));
      editor.open(uri, readFileSync(pathOf(uri), 'utf8'));
      const report = await editor.connection.sendRequest<{ items: Diagnostic[] }>('textDocument/diagnostic', {
        textDocument: { uri },
      });
      const severities = ['', 'error', 'warning', 'information', 'hint'];
      const shown = report.items.map(({ code, severity, message, range }) => ({
        rule: code,
        severity: severities[severity ?? 0],
        message,
        range,
      }));
      const listed = file.findings.map(({ rule, severity, message, range }: Record<string, unknown>) => ({
        rule,
        severity,
        message,
        range,
      }));
      expect(shown).toEqual(listed);
      for (const [index, diagnostic] of report.items.entries()) {
        const actions = await editor.connection.sendRequest<CodeAction[]>('textDocument/codeAction', {
          textDocument: { uri },
          range: diagnostic.range,
          context: { diagnostics: [diagnostic] },
        });
        const titles = actions
          .filter(({ diagnostics }) => diagnostics?.[0]?.message === diagnostic.message)
          .map(({ title }) => title)
          // What only silences is offered in the menu, and not listed by the command line.
          .filter((title) => !/\((?:comment|shardlens\.json)\)$/.test(title));
        expect(titles).toEqual(file.findings[index].fixes.map(({ title }: { title: string }) => title));
        count++;
      }
    }
    expect(count).toBeGreaterThan(5);
    await editor.stop();
  });

  it('the same bytes give the same output, byte for byte', async () => {
    const examples = path.join(path.dirname(BUNDLE), '../examples');
    const run = () => spawnSync(process.execPath, [BUNDLE, 'check', '--format', 'json'], { cwd: examples }).stdout;
    expect(run().equals(run())).toBe(true);
  });
});
