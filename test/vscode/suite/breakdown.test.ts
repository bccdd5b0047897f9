import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { eventually, lensTitles, open } from './editor';

/** The webview tabs that show breakdowns. */
function breakdowns(): vscode.Tab[] {
  return vscode.window.tabGroups.all
    .flatMap(({ tabs }) => tabs)
    .filter(({ input }) => input instanceof vscode.TabInputWebview && input.viewType.endsWith('shardlens.breakdown'));
}

describe('the breakdown', () => {
  it('opens beside the config as a view of its own, once', async () => {
    const document = await open('examples/fsdp2-trl-two-nodes/sft.yaml');
    await lensTitles(document);
    await vscode.commands.executeCommand('shardlens.showBreakdown', document.uri.toString());
    const [tab] = await eventually(breakdowns, (all) => all.length > 0, 'the view should be open');
    assert.equal(tab?.label, 'Breakdown of sft.yaml');
    assert.notEqual(tab?.group.viewColumn, vscode.ViewColumn.One);
    await vscode.commands.executeCommand('shardlens.showBreakdown', document.uri.toString());
    assert.equal(breakdowns().length, 1);
    assert.equal(vscode.window.activeTextEditor?.document.uri.toString(), document.uri.toString());
    await vscode.window.tabGroups.close(breakdowns());
  });
});
