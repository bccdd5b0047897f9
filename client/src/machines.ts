import type { QuickPickItem } from 'vscode';
import { Uri, window } from 'vscode';
import type { MachineAnswer } from '../../server/src/lsp/protocol';
import { searching } from './searching';
import type { Server } from './server';

/** Lists the machines on which the run surely fits; the chosen one becomes the target of every estimate. */
export async function whereWouldItRun(server: Server, uri?: string): Promise<void> {
  const source = uri ? Uri.parse(uri) : window.activeTextEditor?.document.uri;
  if (!source) {
    void window.showInformationMessage('Open a training config to see where it would run.');
    return;
  }
  const found = await searching('placing the run on the machines of the catalog', (token, report) =>
    server.machines(source, token, report),
  );
  if (found === undefined) return;
  if (!found || found.machines.length === 0) {
    const why = found?.why ?? 'this file describes no training run';
    void window.showInformationMessage(`Nothing to show: ${why}.`);
    return;
  }
  const choice = await window.showQuickPick(found.machines.map(choiceOf), {
    title: `It surely fits on ${found.machines.length} machines; the cheapest per token come first`,
    placeHolder: 'Pick one to compute every estimate with it',
    matchOnDescription: true,
    matchOnDetail: true,
  });
  if (!choice) return;
  const { target: _target, gpusPerNode: _gpus, hardware: _hardware, ...others } = server.overrides;
  const { id, target, nodes } = choice.machine;
  await server.override({ ...others, ...(target === null ? { hardware: id } : { target }), nodes });
}

interface Choice extends QuickPickItem {
  readonly machine: MachineAnswer;
}

function choiceOf(machine: MachineAnswer): Choice {
  const { label, words, price } = machine;
  const parts = [
    words.memory,
    words.step && `${words.step} a step`,
    words.tokensPerSecond && `${words.tokensPerSecond} tokens/s`,
    price && `${price.usdPerNodeHour.toFixed(2)} USD/h (${price.region}, ${price.asOf})`,
  ];
  return {
    label,
    description: words.usd && `${words.usd} USD per billion tokens`,
    detail: parts.filter((it) => it).join(' · '),
    machine,
  };
}
