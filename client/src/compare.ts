import type { QuickPickItem } from 'vscode';
import { Uri, window } from 'vscode';
import type { TargetAnswer } from '../../server/src/lsp/protocol';
import { searching } from './searching';
import type { Server } from './server';

interface Choice extends QuickPickItem {
  readonly target: TargetAnswer;
}

/** Sets the targets of shardlens.json side by side; the chosen one becomes the target of every estimate. */
export async function compareTargets(server: Server, uri?: string): Promise<void> {
  const source = uri ? Uri.parse(uri) : window.activeTextEditor?.document.uri;
  if (!source) {
    void window.showInformationMessage('Open a training config to compare targets.');
    return;
  }
  const found = await searching('placing the run on each target', (token, report) =>
    server.compareTargets(source, token, report),
  );
  if (found === undefined) return;
  if (!found || found.targets.length === 0) {
    const why = found ? 'shardlens.json names no targets' : 'this file describes no training run';
    void window.showInformationMessage(`Nothing to compare: ${why}.`);
    return;
  }
  const choice = await window.showQuickPick(found.targets.map(choiceOf), {
    title: 'The run on each target',
    placeHolder: 'The batch of each GPU stays as written: compare rates, not steps',
    matchOnDescription: true,
    matchOnDetail: true,
  });
  if (!choice) return;
  const { hardware: _hardware, nodes: _nodes, gpusPerNode: _gpus, ...others } = server.overrides;
  await server.override({ ...others, target: choice.target.target });
}

function choiceOf(target: TargetAnswer): Choice {
  const { words, why, memoryPerGpu, hostMemoryPerNode, globalBatch } = target;
  const hostFails = hostMemoryPerNode?.fits === false;
  const icon =
    memoryPerGpu?.fits === true && !hostFails
      ? '$(check)'
      : memoryPerGpu?.fits === false || hostFails
        ? '$(error)'
        : '$(question)';
  const parts = [
    words.memory && `${words.memory}${hostFails ? ', and not the host' : ''}`,
    words.step && `${words.step} a step${globalBatch === null ? '' : ` of ${globalBatch} samples`}`,
    words.tokensPerSecond && `${words.tokensPerSecond} tokens/s`,
    words.epoch && `${words.epoch} USD per epoch`,
    why,
  ];
  return {
    label: `${icon} ${target.target}`,
    description: [target.hardware ?? 'hardware not known', words.usd && `${words.usd} USD per billion tokens`]
      .filter((it) => it)
      .join(' · '),
    detail: parts.filter((it) => it).join(' · '),
    target,
  };
}
