import * as assert from 'node:assert/strict';
import type { CodeAction, CompletionList, DocumentLink, Hover, InlayHint, TextDocument } from 'vscode';
import * as vscode from 'vscode';
import { eventually, findings, lensTitles, open, ruleOf } from './editor';

function positionOf(document: TextDocument, text: string): vscode.Position {
  const at = document.getText().indexOf(text);
  assert.ok(at >= 0, `${text} is not in the file`);
  return document.positionAt(at + 1);
}

describe('a broken DeepSpeed config', () => {
  it('shows findings, and a quick fix mends the file', async () => {
    const document = await open('broken.json');
    const shown = await eventually(
      () => findings(document),
      (all) => all.some((finding) => ruleOf(finding) === 'unknown-key-rejected'),
      'the misspelt key should be found',
    );
    const typo = shown.find((finding) => ruleOf(finding) === 'unknown-key-rejected');
    assert.ok(typo);
    assert.equal(typo.severity, vscode.DiagnosticSeverity.Error);
    const actions = await eventually(
      () => vscode.commands.executeCommand<CodeAction[]>('vscode.executeCodeActionProvider', document.uri, typo.range),
      (all) => all.some(({ edit }) => edit !== undefined),
      'a quick fix should be offered',
    );
    const fix = actions.find(({ edit, isPreferred }) => edit && isPreferred) ?? actions.find(({ edit }) => edit);
    assert.ok(fix?.edit);
    assert.ok(await vscode.workspace.applyEdit(fix.edit));
    await eventually(
      () => findings(document),
      (all) => !all.some((finding) => ruleOf(finding) === 'unknown-key-rejected'),
      'the finding should be gone after the fix',
    );
  });

  it("leads from a finding's rule to its page, without a network", async () => {
    const document = await open('broken.json');
    const [finding] = await eventually(
      () => findings(document),
      (all) => all.length > 0,
      'findings should be shown',
    );
    assert.ok(typeof finding?.code === 'object');
    assert.equal(finding.code.target.scheme, 'command');
    const [rule] = JSON.parse(finding.code.target.query) as string[];
    await vscode.commands.executeCommand(finding.code.target.path, rule);
    await eventually(
      () => vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs.map(({ label }) => label)),
      (labels) => labels.some((label) => label.includes(`${rule}.md`)),
      'the page should be open',
    );
    const page = await vscode.workspace.openTextDocument(
      vscode.Uri.from({ scheme: 'shardlens', path: `/${rule}.md`, query: `rule=${rule}` }),
    );
    assert.match(page.getText(), new RegExp(`^# ${rule}\\n`));
  });

  it('offers the keys of the section while typing', async () => {
    const document = await open('broken.json');
    const list = await eventually(
      () =>
        vscode.commands.executeCommand<CompletionList>(
          'vscode.executeCompletionItemProvider',
          document.uri,
          positionOf(document, '"stage"'),
        ),
      ({ items }) => items.length > 0,
      'completion should answer',
    );
    const labels = list.items.map(({ label }) => (typeof label === 'string' ? label : label.label));
    assert.ok(
      labels.some((label) => label.includes('overlap_comm')),
      labels.join(', '),
    );
  });
});

describe('a run of several files', () => {
  it('shows model, machine and memory above the DeepSpeed file', async () => {
    const document = await open('ds_zero3.json');
    const title = (await lensTitles(document)).join(' | ');
    assert.match(title, /8\.0 B/);
    assert.match(title, /A100/);
  });

  it('says what "auto" becomes, and what the stage costs', async () => {
    const document = await open('ds_zero3.json');
    const whole = new vscode.Range(0, 0, document.lineCount, 0);
    const hints = await eventually(
      () => vscode.commands.executeCommand<InlayHint[]>('vscode.executeInlayHintProvider', document.uri, whole),
      (all) => all.length >= 3,
      'inlay hints should be there',
    );
    const text = hints.map(({ label }) =>
      typeof label === 'string' ? label : label.map(({ value }) => value).join(''),
    );
    assert.ok(
      text.some((hint) => /GiB/.test(hint)),
      text.join(' | '),
    );
    assert.ok(
      text.some((hint) => /16777216|16\.8|16,777,216/.test(hint)),
      text.join(' | '),
    );
  });

  it('explains a key on hover', async () => {
    const document = await open('ds_zero3.json');
    const hovers = await eventually(
      () =>
        vscode.commands.executeCommand<Hover[]>(
          'vscode.executeHoverProvider',
          document.uri,
          positionOf(document, 'offload_optimizer'),
        ),
      (all) => all.length > 0,
      'hover should answer',
    );
    const text = hovers.flatMap(({ contents }) =>
      contents.map((part) => (typeof part === 'string' ? part : part.value)),
    );
    assert.match(text.join('\n'), /optimizer/i);
  });

  it('links the Trainer file to its DeepSpeed file', async () => {
    const document = await open('train.yaml');
    const links = await eventually(
      () => vscode.commands.executeCommand<DocumentLink[]>('vscode.executeLinkProvider', document.uri, 10),
      (all) => all.some(({ target }) => target?.path.endsWith('ds_zero3.json')),
      'the deepspeed key should be a link',
    );
    assert.ok(links.length > 0);
  });

  it('makes a run faster: search, choose, preview, apply, and undo', async () => {
    const document = await open('train.yaml');
    const text = document.getText();
    const titles = await lensTitles(document);
    assert.ok(
      titles.some((title) => /^Make it (fit|faster)$/.test(title)),
      titles.join(' | '),
    );
    const command = vscode.commands.executeCommand('shardlens.makeItFit', document.uri.toString());
    // The list of remedies, then the question beside the comparison, take the user's yes; both are answered until it is made.
    const pressing = setInterval(() => {
      void vscode.commands.executeCommand('quickInput.accept').then(undefined, () => undefined);
    }, 500);
    try {
      await eventually(
        () => vscode.workspace.textDocuments.filter(({ isDirty }) => isDirty).length,
        (dirty) => dirty > 0,
        'a remedy should have been applied',
      );
      await command;
    } finally {
      clearInterval(pressing);
    }
    await vscode.workspace.saveAll();
    const folder = vscode.workspace.workspaceFolders?.[0];
    assert.ok(folder);
    const deepspeed = await vscode.workspace.openTextDocument(vscode.Uri.joinPath(folder.uri, 'ds_zero3.json'));
    assert.ok(document.getText() !== text || !/offload_optimizer/.test(deepspeed.getText()));
  });
});
