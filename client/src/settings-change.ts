import { Range, Uri, WorkspaceEdit, window, workspace } from 'vscode';
import type { SettingsChange } from '../../server/src/lsp/protocol';
import { applyWithPreview } from './preview';

/** Makes a change of shardlens.json. A new file is made at once, and can be undone; a change of a file is shown first. */
export async function applied(change: SettingsChange, title: string): Promise<boolean> {
  if ('problem' in change) {
    void window.showErrorMessage(change.problem);
    return false;
  }
  const { uri, exists, edits } = change;
  const edit = new WorkspaceEdit();
  const file = Uri.parse(uri);
  if (!exists) {
    const contents = new TextEncoder().encode(edits.map(({ newText }) => newText).join(''));
    edit.createFile(file, { ignoreIfExists: true, contents });
    return workspace.applyEdit(edit, { isRefactoring: true });
  }
  for (const { range, newText } of edits) {
    const { start, end } = range;
    edit.replace(file, new Range(start.line, start.character, end.line, end.character), newText);
  }
  return applyWithPreview(edit, title);
}
