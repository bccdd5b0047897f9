import type { CancellationToken } from 'vscode';
import { ProgressLocation, window } from 'vscode';

/** Shows that a search goes on, and lets the user stop it. Undefined where it was stopped or the document changed meanwhile. */
export async function searching<T>(
  what: string,
  search: (token: CancellationToken, report: (tried: number) => void) => Promise<T>,
): Promise<T | undefined> {
  const options = { location: ProgressLocation.Notification, title: `Shardlens: ${what}`, cancellable: true };
  return window.withProgress(options, async (progress, token) => {
    try {
      return await search(token, (tried) => progress.report({ message: `${tried} tried` }));
    } catch (error) {
      if (!token.isCancellationRequested) void window.showWarningMessage(`The search ended early: ${String(error)}`);
      return undefined;
    }
  });
}
