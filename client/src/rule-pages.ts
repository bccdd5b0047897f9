import type { Disposable, TextDocumentContentProvider } from 'vscode';
import { commands, Uri, workspace } from 'vscode';
import type { Server } from './server';

const SCHEME = 'shardlens';

/** Opens a rule's page, rendered: what a click on the rule of a finding does. Nothing is fetched. */
export async function openRulePage(rule: string): Promise<void> {
  const page = Uri.from({ scheme: SCHEME, path: `/${rule}.md`, query: `rule=${rule}` });
  await commands.executeCommand('markdown.showPreview', page);
}

/** The rules' pages as virtual Markdown documents. */
export function ruleDocuments(server: Server): Disposable {
  const provider: TextDocumentContentProvider = {
    async provideTextDocumentContent({ query }) {
      const rule = query.replace(/^rule=/, '');
      return (await server.explain(rule))?.markdown ?? `There is no rule ${rule}.`;
    },
  };
  return workspace.registerTextDocumentContentProvider(SCHEME, provider);
}
