import type { QuickPickItem } from 'vscode';
import { QuickPickItemKind, Uri, window } from 'vscode';
import type { CalibrateAnswer } from '../../server/src/lsp/protocol';
import { readPrinted } from './printed';
import type { Server } from './server';
import { applied } from './settings-change';

/**
 * Reads the logs of a run of the config, shows what they measured beside what is predicted, and on request keeps it in
 * shardlens.json, after a preview. Without `logs` they are asked for.
 */
export async function calibrateFromLog(server: Server, uri?: string, logs?: readonly string[]): Promise<void> {
  const source = uri ? Uri.parse(uri) : window.activeTextEditor?.document.uri;
  if (!source) {
    void window.showInformationMessage('Open the config that the run was started with.');
    return;
  }
  const target = await targetOf(server, source);
  if (target === undefined) return;
  const files = logs
    ? logs.map((log) => Uri.parse(log))
    : await window.showOpenDialog({
        canSelectMany: true,
        title: 'Logs of one run: of the Trainer, of DeepSpeed, of nvidia-smi',
      });
  if (!files || files.length === 0) return;
  const printed = await readPrinted(files, '`shardlens calibrate`');
  if (!printed) return;
  const found = await server.calibrate({ uri: source.toString(), printed, write: true, ...target });
  if (!found?.change) {
    void window.showWarningMessage(found ? nothingIn(printed, found) : 'This file describes no training run.');
    return;
  }
  const title = `Keep what ${printed.map(({ name }) => name).join(', ')} measured`;
  if (await isWanted(found, title)) await applied(found.change, title);
}

/** The target that the run was on: asked only where there are several. Undefined where the user leaves. */
async function targetOf(server: Server, source: Uri): Promise<{ target?: string } | undefined> {
  const { targets } = await server.targets(source);
  if (targets.length < 2) return {};
  // The one in force comes first: it is the most likely.
  const items = [...targets].sort((a, b) => Number(b.current) - Number(a.current));
  const choice = await window.showQuickPick(
    items.map(({ name, detail, current }) => ({ label: name, description: detail, name: current ? undefined : name })),
    { title: 'On which target did this run train?', placeHolder: 'What was measured holds for that machine' },
  );
  if (!choice) return undefined;
  return choice.name === undefined ? {} : { target: choice.name };
}

/** Shows each figure beside its prediction, and asks. */
async function isWanted({ figures, missing }: CalibrateAnswer, title: string): Promise<boolean> {
  const keep = { label: '$(check) Keep it in shardlens.json', description: 'shows the change first' };
  const open = figures.some(({ predicted }) => predicted === null) ? missing : [];
  const choices: QuickPickItem[] = [
    keep,
    // Without words: they would stand in the first figure's line, and cut it.
    { label: '', kind: QuickPickItemKind.Separator },
    ...figures.flatMap(choicesOf),
    ...open.map((what) => ({ label: 'not predicted', description: what })),
  ];
  const options = {
    title,
    placeHolder: 'Estimates of this very run will then show what was measured',
    ignoreFocusOut: true,
  };
  return (await window.showQuickPick(choices, options)) === keep;
}

/** The figure and what it says of the prediction; below it where it was read, and what may have made the difference. */
function choicesOf({ words, verdict, perhaps, measured }: CalibrateAnswer['figures'][number]): QuickPickItem[] {
  const { name, band } = words;
  const read = {
    label: `${name}: ${words.measured}`,
    description: verdict,
    detail: `predicted ${words.predicted} (${band}) · ${measured.path}:${measured.line}, ${measured.basis}`,
  };
  return [read, ...perhaps.slice(0, 1).map((why) => ({ label: '', description: `perhaps: ${why}` }))];
}

function nothingIn(printed: readonly { readonly name: string }[], { unread }: CalibrateAnswer): string {
  const what = unread.length > 0 ? ` ${unread.join('; ')}.` : '';
  return `No figure of the run could be read in ${printed.map(({ name }) => name).join(', ')}.${what}`;
}
