import type { Disposable, TextEdit, WorkspaceEdit } from 'vscode';
import { commands, type Uri, window, workspace } from 'vscode';

const SCHEME = 'shardlens-preview';

/** Texts as they would be, by the URI they are shown under. */
const texts = new Map<string, string>();

/** Serves the changed side of a preview. */
export function registerPreviews(): Disposable {
  return workspace.registerTextDocumentContentProvider(SCHEME, {
    provideTextDocumentContent: (uri) => texts.get(uri.toString()) ?? '',
  });
}

/**
 * Shows an edit as a comparison of every file it changes, and makes it when the user says so; one undo takes it back.
 * The editor's own preview of edits starts with nothing ticked, so that its Apply would do nothing.
 */
export async function applyWithPreview(edit: WorkspaceEdit, title: string): Promise<boolean> {
  texts.clear();
  const rows: [Uri, Uri, Uri][] = [];
  for (const [uri, edits] of edit.entries()) {
    const shown = uri.with({ scheme: SCHEME, query: String(Date.now()) });
    texts.set(shown.toString(), await changedText(uri, edits));
    rows.push([uri, uri, shown]);
  }
  await commands.executeCommand('vscode.changes', title, rows);
  const yes = { label: `$(check) Apply to ${counted(rows.length)}` };
  const no = { label: '$(close) Leave everything as it is' };
  // Stays open while the comparison is looked through; a notification would hide itself.
  const answer = await window.showQuickPick([yes, no], { title, placeHolder: 'Apply this?', ignoreFocusOut: true });
  await closePreview(title);
  return answer === yes && workspace.applyEdit(edit, { isRefactoring: true });
}

async function changedText(uri: Uri, edits: readonly TextEdit[]): Promise<string> {
  const document = await workspace.openTextDocument(uri);
  const text = document.getText();
  const spans = edits.map(({ range, newText }) => ({
    start: document.offsetAt(range.start),
    end: document.offsetAt(range.end),
    newText,
  }));
  spans.sort((a, b) => b.start - a.start);
  return spans.reduce((it, { start, end, newText }) => it.slice(0, start) + newText + it.slice(end), text);
}

/** The comparison has done its work, whatever the answer. */
async function closePreview(title: string): Promise<void> {
  const tabs = window.tabGroups.all.flatMap((group) => group.tabs.filter(({ label }) => label.startsWith(title)));
  await window.tabGroups.close(tabs);
}

function counted(files: number): string {
  return files === 1 ? 'one file' : `${files} files`;
}
