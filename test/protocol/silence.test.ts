import { describe, expect, it } from 'vitest';
import type { CodeAction, CreateFile, TextDocumentEdit } from 'vscode-languageserver-protocol';
import { applyEdits } from '../../server/src/core/text/edit';
import { LineIndex } from '../../server/src/core/text/lines';
import { ownCore } from '../../server/src/lsp/own-core';
import { uriOf } from '../../server/src/lsp/uri';
import { folderWith } from '../cli/shell';
import { startEditor } from './memory-editor';

const YAML = 'distributed_type: FSDP\nmixed_precision: bf16\nnum_machines: 1\nnum_processes: 4\nnum_processes: 8\n';

/** The actions on the first finding of a rule, and what the files are when one of them is made. */
async function actionsOn(files: Record<string, string>, rule: string, options: { create?: boolean } = {}) {
  const folder = folderWith(files);
  const editor = await startEditor(ownCore(), { folders: [uriOf(folder)], ...options });
  for (const [name, text] of Object.entries(files)) {
    editor.open(uriOf(`${folder}/${name}`), text, name.endsWith('.yaml') ? 'yaml' : 'json');
  }
  const uri = uriOf(`${folder}/${Object.keys(files)[0]}`);
  const diagnostic = (await editor.pull(uri)).find(({ code }) => code === rule);
  if (!diagnostic) throw new Error(`no ${rule}`);
  const actions = await editor.connection.sendRequest<CodeAction[]>('textDocument/codeAction', {
    textDocument: { uri },
    range: diagnostic.range,
    context: { diagnostics: [diagnostic], only: ['quickfix'] },
  });
  const made = async (title: RegExp) => {
    const action = actions.find((candidate) => title.test(candidate.title));
    if (!action) throw new Error(`no action ${title} among ${actions.map((it) => it.title).join(', ')}`);
    const result: Record<string, string> = { ...files };
    for (const change of (action.edit?.documentChanges ?? []) as (TextDocumentEdit | CreateFile)[]) {
      if ('kind' in change) {
        result[change.uri.slice(uriOf(folder).length + 1)] = '';
        continue;
      }
      const name = change.textDocument.uri.slice(uriOf(folder).length + 1);
      const text = result[name] ?? '';
      const lines = new LineIndex(text);
      result[name] = applyEdits(
        text,
        change.edits.flatMap((edit) =>
          'newText' in edit
            ? [{ start: lines.offsetAt(edit.range.start), end: lines.offsetAt(edit.range.end), newText: edit.newText }]
            : [],
        ),
      );
    }
    return result;
  };
  /** Rules found in the first file of the result. */
  const rulesIn = async (result: Record<string, string>) => {
    const again = folderWith(result);
    const other = await startEditor(ownCore(), { folders: [uriOf(again)] });
    const path = uriOf(`${again}/${Object.keys(files)[0]}`);
    other.open(path, result[Object.keys(files)[0] ?? ''] ?? '');
    return (await other.pull(path)).map(({ code }) => code);
  };
  return { actions, made, rulesIn };
}

describe('what silences a finding', () => {
  it('stands behind what mends it, and is not preferred', async () => {
    const { actions } = await actionsOn({ 'accelerate.yaml': YAML }, 'duplicate-key', { create: true });
    expect(actions.map(({ title }) => title).slice(-3)).toEqual([
      'Ignore duplicate-key here (comment)',
      'Turn off duplicate-key for this file (shardlens.json)',
      'Turn off duplicate-key everywhere (shardlens.json)',
    ]);
    expect(actions.slice(-3).some(({ isPreferred }) => isPreferred)).toBe(false);
    expect(actions.length).toBeGreaterThan(3);
  });

  it('is a comment above the setting', async () => {
    const { made, rulesIn } = await actionsOn({ 'accelerate.yaml': YAML }, 'duplicate-key');
    const result = await made(/here/);
    expect(result['accelerate.yaml']).toBe(
      YAML.replace('num_processes: 4', '# shardlens-ignore: duplicate-key\nnum_processes: 4'),
    );
    expect(await rulesIn(result)).not.toContain('duplicate-key');
  });

  it('joins the comment that is there', async () => {
    const text = YAML.replace('num_processes: 4', 'num_processes: 4 # shardlens-ignore: null-section why');
    const { made } = await actionsOn({ 'accelerate.yaml': text }, 'duplicate-key');
    expect((await made(/here/))['accelerate.yaml']).toBe(text.replace('null-section', 'null-section, duplicate-key'));
  });

  it('is indented as its setting', async () => {
    const text = `${YAML}fsdp_config:\n    # keep\n    fsdp_version: 1\r\n    fsdp_version: 2\n`.replaceAll('\r', '');
    const { made, rulesIn } = await actionsOn(
      { 'accelerate.yaml': text.replace('num_processes: 4\n', '') },
      'duplicate-key',
    );
    const result = await made(/here/);
    expect(result['accelerate.yaml']).toContain(
      '    # keep\n    # shardlens-ignore: duplicate-key\n    fsdp_version: 1\n',
    );
    expect(await rulesIn(result)).not.toContain('duplicate-key');
  });

  it('is a level in a new shardlens.json', async () => {
    const { made, rulesIn } = await actionsOn({ 'accelerate.yaml': YAML }, 'duplicate-key', { create: true });
    const everywhere = await made(/everywhere/);
    expect(JSON.parse(everywhere['shardlens.json'] ?? '')).toEqual({ rules: { 'duplicate-key': 'off' } });
    expect(await rulesIn(everywhere)).not.toContain('duplicate-key');
    const here = await made(/for this file/);
    expect(JSON.parse(here['shardlens.json'] ?? '')).toEqual({
      files: { 'accelerate.yaml': { rules: { 'duplicate-key': 'off' } } },
    });
    expect(await rulesIn(here)).not.toContain('duplicate-key');
  });

  it('asks no editor for a file that cannot make one', async () => {
    const { actions } = await actionsOn({ 'accelerate.yaml': YAML }, 'duplicate-key');
    expect(actions.some(({ title }) => title.includes('shardlens.json'))).toBe(false);
  });

  it('keeps the style of the shardlens.json that is there', async () => {
    const settings = '{\n\t// ours\n\t"sequenceLength": 512, // short\n\t"rules": { "null-section": "hint" }\n}\n';
    const { made, rulesIn } = await actionsOn({ 'accelerate.yaml': YAML, 'shardlens.json': settings }, 'duplicate-key');
    const everywhere = await made(/everywhere/);
    expect(everywhere['shardlens.json']).toBe(settings.replace('"hint" }', '"hint", "duplicate-key": "off" }'));
    expect(await rulesIn(everywhere)).not.toContain('duplicate-key');
    const here = await made(/for this file/);
    expect(here['shardlens.json']).toContain('\n\t"files": {');
    expect(here['shardlens.json']).toContain('\t// ours\n\t"sequenceLength": 512, // short\n');
    expect(await rulesIn(here)).not.toContain('duplicate-key');
  });

  it('writes no comment into JSON that Python reads', async () => {
    const { actions } = await actionsOn(
      { 'ds.json': '{ "zero_optimization": { "stage": 2 }, "train_batch_size": 8, "train_batch_size": 16 }' },
      'duplicate-key',
      { create: true },
    );
    expect(actions.map(({ title }) => title).filter((title) => title.includes('duplicate-key'))).toEqual([
      'Turn off duplicate-key for this file (shardlens.json)',
      'Turn off duplicate-key everywhere (shardlens.json)',
    ]);
  });

  it('is not offered for what could not be checked', async () => {
    const { actions } = await actionsOn({ 'accelerate.yaml': `${YAML}fsdp_config: [\n` }, 'broken-syntax', {
      create: true,
    });
    expect(actions.filter(({ title }) => title.includes('broken-syntax'))).toEqual([]);
  });
});
