import * as assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import { acceptUntil, open } from './editor';

/** Answers as nvidia-smi does on a machine with two RTX 4090. */
const NVIDIA_SMI = `#!/bin/sh
case "$*" in
  --query-gpu=*)
    echo 'name, memory.total [MiB], compute_cap, pcie.link.gen.max, pcie.link.width.max, mig.mode.current'
    echo 'NVIDIA GeForce RTX 4090, 24564 MiB, 8.9, 4, 8, [N/A]'
    echo 'NVIDIA GeForce RTX 4090, 24564 MiB, 8.9, 4, 8, [N/A]' ;;
  'topo -m')
    printf '\\tGPU0\\tGPU1\\tCPU Affinity\\tNUMA Affinity\\nGPU0\\t X \\tPHB\\t0-31\\t0\\nGPU1\\tPHB\\t X \\t0-31\\t0\\n' ;;
  *) exit 1 ;;
esac
`;

describe('use this machine', () => {
  const before = process.env.PATH;
  after(() => {
    process.env.PATH = before;
  });

  it('asks nvidia-smi, shows the change of shardlens.json, and writes the target', async function () {
    if (process.platform === 'win32') this.skip();
    const folder = mkdtempSync(path.join(tmpdir(), 'shardlens-smi-'));
    writeFileSync(path.join(folder, 'nvidia-smi'), NVIDIA_SMI);
    chmodSync(path.join(folder, 'nvidia-smi'), 0o755);
    process.env.PATH = `${folder}${path.delimiter}${before}`;

    assert.ok(vscode.workspace.isTrusted, 'the test workspace should be trusted');
    const settings = await open('shardlens.json');
    const text = settings.getText();
    const done = vscode.commands.executeCommand('shardlens.useThisMachine');
    // The name is asked for, then the preview waits for its button.
    await acceptUntil(done, settings, 'this-machine', 'shardlens.json should have the machine');
    assert.match(settings.getText(), /"this-machine": \{\s*"hardware": "this-machine"\s*\}/);
    assert.match(settings.getText(), /"accelerator": "nvidia-rtx-4090",\s*"count": 2/);
    assert.match(settings.getText(), /"path": "shm"/);
    const all = new vscode.Range(0, 0, settings.lineCount, 0);
    const undo = new vscode.WorkspaceEdit();
    undo.replace(settings.uri, all, text);
    await vscode.workspace.applyEdit(undo);
    await settings.save();
  });
});
