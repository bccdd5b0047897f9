import type { Disposable, TextDocumentContentProvider } from 'vscode';
import { commands, EventEmitter, Uri, window, workspace } from 'vscode';
import type { Server } from './server';

const SCHEME = 'shardlens';

/** Opens the bill of the config as a rendered page beside the editor. */
export async function openBreakdown(server: Server, uri?: string): Promise<void> {
  const source = uri ? Uri.parse(uri) : window.activeTextEditor?.document.uri;
  if (!source) {
    void window.showInformationMessage('Open a training config to see its breakdown.');
    return;
  }
  await server.breakdown(source);
  await commands.executeCommand('markdown.showPreviewToSide', breakdownUri(source));
}

/** Opens a rule's page, rendered: what a click on the rule of a finding does. Nothing is fetched. */
export async function openRulePage(rule: string): Promise<void> {
  const page = Uri.from({ scheme: SCHEME, path: `/${rule}.md`, query: `rule=${rule}` });
  await commands.executeCommand('markdown.showPreview', page);
}

/** `shardlens:/…/Breakdown of ds.json.md?breakdown=<uri>`: the name is what the tab shows. */
function breakdownUri(source: Uri): Uri {
  const name = source.path.slice(source.path.lastIndexOf('/') + 1);
  return Uri.from({ scheme: SCHEME, path: `/Breakdown of ${name}.md`, query: `breakdown=${source.toString(true)}` });
}

/** Virtual Markdown documents: breakdowns and rule pages. Follows the server, so an open breakdown stays true. */
export function ruleDocuments(server: Server): Disposable {
  const changes = new EventEmitter<Uri>();
  const provider: TextDocumentContentProvider = {
    onDidChange: changes.event,
    async provideTextDocumentContent(uri) {
      const [kind, value] = splitOnce(uri.query, '=');
      if (kind === 'rule') return (await server.explain(value))?.markdown ?? `There is no rule ${value}.`;
      const breakdown = await server.breakdown(Uri.parse(value));
      return breakdown?.markdown ?? 'Shardlens does not take this file for a training config.';
    },
  };
  const refresh = () => {
    for (const document of workspace.textDocuments) if (document.uri.scheme === SCHEME) changes.fire(document.uri);
  };
  const subscriptions = [
    changes,
    workspace.registerTextDocumentContentProvider(SCHEME, provider),
    server.onDidChange(refresh),
    workspace.onDidSaveTextDocument(refresh),
  ];
  return { dispose: () => subscriptions.forEach((subscription) => void subscription.dispose()) };
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
