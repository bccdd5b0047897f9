import * as assert from 'node:assert/strict';
import path from 'node:path';
import type { CodeLens, Diagnostic, TextDocument } from 'vscode';
import * as vscode from 'vscode';

/** Answers of providers come a moment after the document opens: ask until the answer is there. */
export async function eventually<T>(ask: () => T | Thenable<T>, good: (value: T) => boolean, what: string): Promise<T> {
  const end = Date.now() + 30_000;
  let last: T;
  do {
    last = await ask();
    if (good(last)) return last;
    await new Promise((resolve) => setTimeout(resolve, 100));
  } while (Date.now() < end);
  throw new Error(`${what}; the last answer was ${JSON.stringify(last)}`);
}

export async function open(name: string): Promise<TextDocument> {
  const folder = vscode.workspace.workspaceFolders?.[0];
  assert.ok(folder);
  const document = await vscode.workspace.openTextDocument(vscode.Uri.file(path.join(folder.uri.fsPath, name)));
  await vscode.window.showTextDocument(document);
  return document;
}

export function findings(document: TextDocument): Diagnostic[] {
  return vscode.languages.getDiagnostics(document.uri).filter(({ source }) => source === 'shardlens');
}

export function ruleOf({ code }: Diagnostic): string {
  return String(typeof code === 'object' ? code.value : code);
}

/** Titles of the lenses above a config, once there are some. */
export async function lensTitles(document: TextDocument): Promise<string[]> {
  const lenses = await eventually(
    () => vscode.commands.executeCommand<CodeLens[]>('vscode.executeCodeLensProvider', document.uri, 20),
    (all) => all.some(({ command }) => command?.title.includes('GiB')),
    `a lens of ${document.fileName} should show memory`,
  );
  return lenses.map(({ command }) => command?.title ?? '');
}

/** Takes whatever a command asks for (a name, a choice, the button of a preview) until `document` holds what is wanted. */
export async function acceptUntil(
  done: Thenable<unknown>,
  document: TextDocument,
  wanted: string,
  what: string,
): Promise<void> {
  let finished = false;
  void done.then(() => {
    finished = true;
  });
  await eventually(
    async () => {
      if (!finished) {
        await vscode.commands.executeCommand('quickInput.accept').then(undefined, () => undefined);
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
      return document.getText();
    },
    (now) => now.includes(wanted),
    what,
  );
  await done;
}
