import { expect, it } from 'vitest';
import type { CodeAction, TextDocumentEdit } from 'vscode-languageserver-protocol';
import { applyEdits } from '../../server/src/core/text/edit';
import { LineIndex } from '../../server/src/core/text/lines';
import { ownCore } from '../../server/src/lsp/own-core';
import { uriOf } from '../../server/src/lsp/uri';
import { folderWith } from '../cli/shell';
import { startEditor } from './memory-editor';

/** The actions at a text of the one file, and the file behind one of them. */
async function actionsAt(name: string, text: string, at: string, only?: string) {
  const folder = folderWith({ [name]: text });
  const editor = await startEditor(ownCore(), { folders: [uriOf(folder)] });
  const uri = uriOf(`${folder}/${name}`);
  editor.open(uri, text, name.endsWith('.yaml') ? 'yaml' : 'json');
  const lines = new LineIndex(text);
  const position = lines.positionAt(text.indexOf(at));
  const actions = await editor.connection.sendRequest<CodeAction[]>('textDocument/codeAction', {
    textDocument: { uri },
    range: { start: position, end: position },
    context: { diagnostics: [], triggerKind: 2, ...(only ? { only: [only] } : {}) },
  });
  const after = (action: CodeAction | undefined) => {
    const [change] = (action?.edit?.documentChanges ?? []) as TextDocumentEdit[];
    const edits = (change?.edits ?? []).flatMap((edit) =>
      'newText' in edit
        ? [{ start: lines.offsetAt(edit.range.start), end: lines.offsetAt(edit.range.end), newText: edit.newText }]
        : [],
    );
    return applyEdits(text, edits);
  };
  return { actions, after };
}

const FSDP =
  'distributed_type: FSDP\nmixed_precision: bf16\nnum_processes: 8\nfsdp_config:\n  fsdp_sharding_strategy: FULL_SHARD # all\n  fsdp_use_orig_params: true\n';

it('moves a section to FSDP 2 where the cursor stands in it', async () => {
  const { actions, after } = await actionsAt('accelerate.yaml', FSDP, 'FULL_SHARD', 'refactor');
  expect(actions.map(({ title, kind }) => [title, kind])).toEqual([
    ['Move fsdp_config to FSDP 2', 'refactor.rewrite.shardlens'],
  ]);
  expect(after(actions[0])).toBe(
    FSDP.replace('fsdp_sharding_strategy: FULL_SHARD', 'fsdp_reshard_after_forward: true').replace(
      'fsdp_use_orig_params: true',
      'fsdp_version: 2',
    ),
  );
  expect((await actionsAt('accelerate.yaml', FSDP, 'mixed', 'refactor')).actions).toEqual([]);
});

it('replaces all deprecated keys when asked, and unasked does no work on the whole file', async () => {
  const text =
    '{\n  "train_micro_batch_size_per_gpu": 1,\n  "bfloat16": { "enabled": true },\n  "zero_optimization": { "stage": 2, "cpu_offload": true }\n}\n';
  const { actions, after } = await actionsAt('ds.json', text, 'train', 'source.replaceDeprecated');
  expect(actions.map(({ title }) => title)).toEqual(['Replace all deprecated keys']);
  expect(JSON.parse(after(actions[0]))).toEqual({
    train_micro_batch_size_per_gpu: 1,
    bf16: { enabled: true },
    zero_optimization: { stage: 2, offload_optimizer: { device: 'cpu' } },
  });
  const unasked = await actionsAt('ds.json', text, 'train');
  expect(unasked.actions.filter(({ kind }) => kind?.startsWith('source'))).toEqual([]);
});
