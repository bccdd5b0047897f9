import type { QuickPickItem } from 'vscode';
import { QuickPickItemKind, Uri, window } from 'vscode';
import { applyWithPreview } from './preview';
import { searching } from './searching';
import type { FoundRemedies, FoundRemedy, Server } from './server';

interface Choice extends QuickPickItem {
  /** Undefined for a line between the choices, and for the one that tells of the search. */
  readonly remedy?: FoundRemedy;
}

const SEARCHED = 'What was searched, and what not';

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
    const answer = found.tried > 0 ? [SEARCHED] : [];
    if (await window.showInformationMessage(found.words.intro, ...answer)) await showSearch(found);
    return;
  }
  const separator = { label: '', kind: QuickPickItemKind.Separator };
  const search = { label: `$(info) ${SEARCHED}`, alwaysShow: true };
  const choice = await window.showQuickPick([...found.remedies.flatMap(choicesOf), separator, search], {
    title: found.words.intro,
    placeHolder: `Now: ${found.words.before}`,
    matchOnDescription: true,
    matchOnDetail: true,
  });
  if (choice === search) await showSearch(found);
  else if (choice && 'remedy' in choice && choice.remedy) {
    await applyWithPreview(choice.remedy.edit, choice.remedy.title);
  }
}

/** In a window of its own, since it is as long as the run has dimensions. */
async function showSearch({ searched, closed, tried }: FoundRemedies): Promise<void> {
  const tries = searched.map(({ what, values }) => `${what} (${values})`).join(', ');
  const others = closed.map(({ what, because }) => `\n• ${what}: ${because}`).join('');
  const detail = `Searched, with the number of other values: ${tries}.${others === '' ? '' : `\n\nNot searched:${others}`}`;
  await window.showInformationMessage(`${tried} runs near this one were tried.`, { modal: true, detail });
}

/** The remedy, with what it is best at before its figures; a line parts those that are best at different things. */
function choicesOf(remedy: FoundRemedy, index: number, all: readonly FoundRemedy[]): Choice[] {
  const { words, training, notes } = remedy;
  const effect = training === 'same' ? ['same training', ...notes].join('; ') : words.effect;
  // Without words: a separator's words stand in the line below it, and would cut the title.
  const separator = { label: '', kind: QuickPickItemKind.Separator };
  const isSame = index === 0 || all[index - 1]?.words.merit === words.merit;
  const icon = remedy.merits.includes('smallest')
    ? '$(check)'
    : remedy.merits.includes('balanced')
      ? '$(circle-small)'
      : '$(rocket)';
  const choice = {
    label: `${icon} ${words.short}`,
    detail: `${words.merit}: ${words.brief} · ${effect}`,
    remedy,
  };
  return isSame ? [choice] : [separator, choice];
}
