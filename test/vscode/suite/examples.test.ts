import * as assert from 'node:assert/strict';
import type { CodeAction, WorkspaceEdit } from 'vscode';
import * as vscode from 'vscode';
import { eventually, findings, lensTitles, open, ruleOf } from './editor';

/** Runs that are right: the editor shows what they take, and no error. */
const RIGHT = [
  {
    file: 'examples/llama-3-8b-zero3-offload/ds_zero3.json',
    lens: /8\.0 B · 4 × A100-40GB .* of 39\.4 GiB · .*\/step/,
  },
  { file: 'examples/llama-3-8b-zero3-offload/train.yaml', lens: /8\.0 B · 4 × A100-40GB/ },
  { file: 'examples/fsdp2-trl-two-nodes/sft.yaml', lens: /32\.8 B · 2 × 8 × H100/ },
  { file: 'examples/fsdp2-trl-two-nodes/accelerate.yaml', lens: /32\.8 B · 2 × 8 × H100/ },
  { file: 'examples/qlora-24gb/sft.yaml', lens: /8\.0 B · .*4090.* of 23\.\d GiB/ },
];

describe('the examples', () => {
  for (const { file, lens } of RIGHT) {
    it(`shows model, machine, memory and time above ${file}, and no error`, async () => {
      const document = await open(file);
      assert.match((await lensTitles(document)).join(' | '), lens);
      const errors = findings(document).filter(({ severity }) => severity === vscode.DiagnosticSeverity.Error);
      assert.deepEqual(
        errors.map(({ message }) => message),
        [],
      );
    });
  }

  it('shows at least ten findings in the broken set, the ones between the files included', async () => {
    const rules: string[] = [];
    for (const name of ['ds_config.json', 'train.yaml']) {
      const document = await open(`examples/broken/${name}`);
      const shown = await eventually(
        () => findings(document),
        (all) => all.length >= 4,
        `${name} should show findings`,
      );
      rules.push(...shown.map(ruleOf));
    }
    assert.ok(rules.length >= 10, rules.join(', '));
    assert.ok(rules.includes('batch-size-product'), rules.join(', '));
    assert.ok(rules.includes('trainer-mismatch'), rules.join(', '));
  });

  it('offers the search for edits where evaluation decides the memory, above what only silences', async () => {
    const document = await open('examples/broken/train.yaml');
    const shown = await eventually(
      () => findings(document),
      (all) => all.some((finding) => ruleOf(finding) === 'eval-decides-memory'),
      'evaluation should decide the memory',
    );
    const range = shown.find((finding) => ruleOf(finding) === 'eval-decides-memory')?.range;
    const actions = await eventually(
      () => vscode.commands.executeCommand<CodeAction[]>('vscode.executeCodeActionProvider', document.uri, range),
      (all) => all.some(({ title }) => title.startsWith('Search for edits')),
      'the search should be offered',
    );
    const titles = actions.map(({ title }) => title);
    const search = titles.findIndex((title) => title.startsWith('Search for edits'));
    const silence = titles.findIndex((title) => title.startsWith('Ignore eval-decides-memory'));
    assert.ok(search < silence, titles.join(' | '));
    // What mends trades something away, so it is shown before it is made.
    const mend = actions.find(({ title }) => title.startsWith('Set per_device_eval_batch_size'));
    assert.equal(mend?.edit, undefined, titles.join(' | '));
    assert.equal(mend?.command?.command, 'shardlens.applyWithPreview', titles.join(' | '));
  });

  it('mends one file at once with the fix-all action', async () => {
    const document = await open('examples/broken/ds_config.json');
    const before = await eventually(
      () => findings(document),
      (all) => all.length > 0,
      'findings should be shown',
    );
    const whole = new vscode.Range(0, 0, document.lineCount, 0);
    const actions = await eventually(
      () =>
        vscode.commands.executeCommand<{ edit?: WorkspaceEdit; kind?: { value: string } }[]>(
          'vscode.executeCodeActionProvider',
          document.uri,
          whole,
          'source.fixAll.shardlens',
        ),
      (all) => all.some(({ edit }) => edit !== undefined),
      'a fix-all action should be offered',
    );
    const fixAll = actions.find(({ kind, edit }) => edit && kind?.value === 'source.fixAll.shardlens');
    assert.ok(fixAll?.edit, actions.map(({ kind }) => kind?.value).join(', '));
    assert.ok(await vscode.workspace.applyEdit(fixAll.edit));
    await eventually(
      () => findings(document),
      (all) => all.length < before.length,
      'fewer findings should be left',
    );
  });
});
