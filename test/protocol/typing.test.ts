import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import type { Diagnostic, DocumentDiagnosticReport } from 'vscode-languageserver-protocol';
import type { Lens } from '../../server/src/lsp/protocol';
import { uriOf } from '../../server/src/lsp/uri';
import { bundle } from '../bundle';
import { folderWith, shardlens } from '../cli/shell';
import { startStdioEditor } from './stdio-editor';

/** An example opened in an editor, and typing in one of its files. */
async function exampleOpen(example: string, name: string, calmMilliseconds: number) {
  await bundle();
  const source = new URL(`../../examples/${example}/`, import.meta.url);
  const names = readdirSync(source, { withFileTypes: true }).filter((entry) => entry.isFile());
  const files = Object.fromEntries(names.map((file) => [file.name, readFileSync(new URL(file.name, source), 'utf8')]));
  const folder = folderWith(files);
  const editor = await startStdioEditor({
    workspaceFolders: [{ uri: uriOf(folder), name: 'project' }],
    initializationOptions: { calmMilliseconds },
  });
  const uri = uriOf(path.join(folder, name));
  const text = files[name] ?? '';
  editor.open(uri, text);
  let version = 1;
  return {
    folder,
    editor,
    text,
    type(line: number, character: number, typed: string) {
      const at = { line, character };
      void editor.connection.sendNotification('textDocument/didChange', {
        textDocument: { uri, version: ++version },
        contentChanges: [{ range: { start: at, end: at }, text: typed }],
      });
    },
    async pull(): Promise<readonly Diagnostic[]> {
      const report = await editor.connection.sendRequest<DocumentDiagnosticReport>('textDocument/diagnostic', {
        textDocument: { uri },
      });
      return report.kind === 'full' ? report.items : [];
    },
    async lenses(): Promise<readonly string[]> {
      const lenses = await editor.connection.sendRequest<Lens[]>('shardlens/lenses', { uri });
      return lenses.map(({ title }) => title);
    },
  };
}

it('a key typed letter by letter brings no finding but its own, and no other number', async () => {
  const { editor, text, type, pull, lenses } = await exampleOpen('fsdp2-trl-two-nodes', 'accelerate.yaml', 0);
  const before = (await pull()).map(({ code, message }) => `${code}: ${message}`);
  const titles = await lenses();
  expect(titles[0]).toContain('GiB');
  const line = text.split('\n').findIndex((it) => it.includes('fsdp_activation_checkpointing'));
  type(line, 0, '  \n');
  for (const [i, letter] of [...'fsdp_'].entries()) {
    type(line, 2 + i, letter);
    const found = await pull();
    expect(
      found.filter(({ range }) => range.start.line !== line).map(({ code, message }) => `${code}: ${message}`),
    ).toEqual(before);
    expect(found.filter(({ range }) => range.start.line === line)).toMatchObject([{ code: 'broken-syntax' }]);
    expect(await lenses()).toEqual(titles);
  }
  await editor.stop();
});

it('while a line is broken new findings wait for a pause; then all stand that `check` reports', async () => {
  const { folder, editor, text, type, pull } = await exampleOpen('fsdp2-trl-two-nodes', 'accelerate.yaml', 300);
  const before = await pull();
  const line = text.split('\n').findIndex((it) => it.includes('fsdp_version'));
  // An open brace takes the section's keys from it: nothing of what follows from that is said while it is typed.
  type(line, 2, '{ "');
  expect((await pull()).filter(({ code }) => !before.some((old) => old.code === code))).toEqual([]);
  await editor.take('workspace/diagnostic/refresh');
  const after = await pull();
  expect(after.map(({ code }) => code)).toEqual(expect.arrayContaining(['broken-syntax', 'fsdp-version-missing']));
  const changed = text.replace('  fsdp_version', '  { "fsdp_version');
  const copy = folderWith({
    ...Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(path.join(folder, name))])),
    'accelerate.yaml': changed,
  });
  const { out } = await shardlens(copy, ['check', '--format', 'json', 'accelerate.yaml']);
  const checked: { rule: string }[] = JSON.parse(out).files[0].findings;
  expect(after.map(({ code }) => code).sort()).toEqual(checked.map(({ rule }) => rule).sort());
  await editor.stop();
});
