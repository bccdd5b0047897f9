import * as assert from 'node:assert/strict';
import type { CodeAction, Disposable, FileStat, FileSystemProvider } from 'vscode';
import * as vscode from 'vscode';
import { eventually, findings, lensTitles, ruleOf } from './editor';

const FILES: Readonly<Record<string, string>> = {
  '/run/train.yaml':
    'output_dir: out\nmodel_name_or_path: Qwen/Qwen2.5-0.5B\ndeepspeed: ds.json\nlearning_rate: 2.0e-5\nnum_train_epochs: 1\nbf16: true\nper_device_train_batch_size: 2\n',
  '/run/ds.json':
    '{\n  "train_micro_batch_size_per_gpu": 4,\n  "gradient_accumulation_steps": "auto",\n  "bf16": { "enabled": "auto" },\n  "zero_optimization": { "stage": 2 }\n}\n',
  '/run/shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "nodes": 1 } } }\n',
};

/** Files that are on no disk, as those of a repository opened without a clone. */
class MemoryFiles implements FileSystemProvider {
  private readonly changed = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  readonly onDidChangeFile = this.changed.event;
  private readonly files = new Map(Object.entries(FILES).map(([name, text]) => [name, Buffer.from(text)]));

  watch(): Disposable {
    return { dispose() {} };
  }

  stat({ path }: vscode.Uri): FileStat {
    const bytes = this.files.get(path);
    const isFolder = [...this.files.keys()].some((name) => name.startsWith(`${path === '/' ? '' : path}/`));
    if (!bytes && !isFolder) throw vscode.FileSystemError.FileNotFound(path);
    return {
      type: bytes ? vscode.FileType.File : vscode.FileType.Directory,
      ctime: 0,
      mtime: 0,
      size: bytes?.length ?? 0,
    };
  }

  readDirectory({ path }: vscode.Uri): [string, vscode.FileType][] {
    const names = [...this.files.keys()].filter((name) => name.startsWith(`${path}/`));
    return names.map((name) => [name.slice(path.length + 1), vscode.FileType.File]);
  }

  readFile({ path }: vscode.Uri): Uint8Array {
    const bytes = this.files.get(path);
    if (!bytes) throw vscode.FileSystemError.FileNotFound(path);
    return bytes;
  }

  writeFile({ path }: vscode.Uri, content: Uint8Array): void {
    this.files.set(path, Buffer.from(content));
  }

  createDirectory(): void {}

  delete(): void {
    throw vscode.FileSystemError.NoPermissions();
  }

  rename(): void {
    throw vscode.FileSystemError.NoPermissions();
  }
}

describe('a virtual workspace', () => {
  const provider = vscode.workspace.registerFileSystemProvider('memory', new MemoryFiles());
  after(() => provider.dispose());

  it('joins files that are on no disk, and mends one of them', async () => {
    const document = await vscode.workspace.openTextDocument(vscode.Uri.parse('memory:/run/ds.json'));
    await vscode.window.showTextDocument(document);
    const [mismatch] = await eventually(
      () => findings(document).filter((finding) => ruleOf(finding) === 'trainer-mismatch'),
      (all) => all.length > 0,
      'the Trainer file beside it should be held against it',
    );
    assert.ok(mismatch);
    const titles = await lensTitles(document);
    assert.ok(
      titles.some((title) => title.includes('p4d.24xlarge')),
      titles.join(' | '),
    );
    const actions = await vscode.commands.executeCommand<CodeAction[]>(
      'vscode.executeCodeActionProvider',
      document.uri,
      mismatch.range,
    );
    const fix = actions.find(({ edit }) => edit?.entries().some(([uri]) => uri.toString() === document.uri.toString()));
    assert.ok(fix?.edit, actions.map(({ title }) => title).join(' | '));
    assert.ok(await vscode.workspace.applyEdit(fix.edit));
    await eventually(
      () => findings(document),
      (all) => all.every((finding) => ruleOf(finding) !== 'trainer-mismatch'),
      'the finding should be gone after the fix',
    );
  });
});
