import type { QuickPickItem } from 'vscode';
import { Uri, window } from 'vscode';
import { applyWithPreview } from './preview';
import { searching } from './searching';
import type { FoundRemedy, Server } from './server';

interface Choice extends QuickPickItem {
  readonly remedy: FoundRemedy;
}

/** Searches the runs near the config for those that fit, or go faster; the chosen edit is shown before it is made. */
export async function makeItFit(server: Server, uri?: string): Promise<void> {
  const source = uri ? Uri.parse(uri) : window.activeTextEditor?.document.uri;
  if (!source) {
    void window.showInformationMessage('Open a training config to make it fit.');
    return;
  }
  const found = await searching('searching for runs that fit', (token, report) => server.fit(source, token, report));
  if (found === undefined) return;
  if (found === null) {
    void window.showInformationMessage('Shardlens does not take this file for a training config.');
    return;
  }
  if (found.remedies.length === 0) {
    void window.showInformationMessage(found.words.intro);
    return;
  }
  const choice = await window.showQuickPick(found.remedies.map(choiceOf), {
    title: found.words.intro,
    placeHolder: `Now: ${found.words.before}`,
    matchOnDescription: true,
    matchOnDetail: true,
  });
  if (choice) await applyWithPreview(choice.remedy.edit, choice.remedy.title);
}

function choiceOf(remedy: FoundRemedy): Choice {
  const { title, words } = remedy;
  const icon = remedy.merits.includes('smallest')
    ? '$(check)'
    : remedy.merits.includes('balanced')
      ? '$(circle-small)'
      : '$(rocket)';
  return {
    label: `${icon} ${title}`,
    description: words.merit,
    detail: [words.brief, ...remedy.notes].join(' · '),
    remedy,
  };
}
