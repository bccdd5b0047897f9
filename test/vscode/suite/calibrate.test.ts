import * as assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import { acceptUntil, eventually, lensTitles, open } from './editor';

/** As the Trainer ends its log. */
const LOG =
  "{'train_runtime': 151.0, 'train_samples_per_second': 21.1, 'train_steps_per_second': 0.66, 'train_loss': 1.4, 'epoch': 1.0}\n";

describe('calibrate', () => {
  it("reads a run's log, shows the change of shardlens.json, keeps it, and the lens shows it", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'shardlens-log-'));
    const log = vscode.Uri.file(path.join(folder, 'trainer.log'));
    writeFileSync(log.fsPath, LOG);

    const settings = await open('shardlens.json');
    const text = settings.getText();
    const train = await open('train.yaml');
    await lensTitles(train);
    const done = vscode.commands.executeCommand('shardlens.calibrate', train.uri.toString(), [log.toString()]);
    // The figures are shown with "Keep it" on top, then the preview waits for its button.
    await acceptUntil(done, settings, '"measured"', 'shardlens.json should keep what was measured');
    assert.match(settings.getText(), /"from": "trainer\.log:\d+"/);
    await eventually(
      () => lensTitles(train),
      (titles) => titles.some((title) => title.includes('s/step (measured)')),
      'the lens should show the measured time',
    );
    const undo = new vscode.WorkspaceEdit();
    undo.replace(settings.uri, new vscode.Range(0, 0, settings.lineCount, 0), text);
    await vscode.workspace.applyEdit(undo);
    await settings.save();
  });
});
