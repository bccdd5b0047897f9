import type { QuickPickItem } from 'vscode';
import { commands, QuickPickItemKind, Uri, window } from 'vscode';
import type { EditorOverrides } from '../../server/src/lsp/protocol';
import type { Server } from './server';

interface Choice extends QuickPickItem {
  /** What picking it overrides; undefined for "open shardlens.json". */
  readonly overrides?: EditorOverrides;
  readonly open?: Uri;
  readonly command?: string;
}

/** Lets the user say which machine the run is for: a target of shardlens.json, or a machine of the catalog. */
export async function pickTarget(server: Server, uri?: string): Promise<void> {
  const source = uri ? Uri.parse(uri) : window.activeTextEditor?.document.uri;
  if (!source) return;
  const answer = await server.targets(source);
  const now = server.overrides;
  const choices: Choice[] = [
    ...group('Targets in shardlens.json', answer.targets, ({ name, detail, current }) => ({
      label: current ? `$(check) ${name}` : name,
      description: detail,
      overrides: without(now, { target: name }),
    })),
    { label: 'Catalog', kind: QuickPickItemKind.Separator },
    ...answer.instances.map(({ id, detail }) => ({
      label: id,
      description: detail,
      overrides: without(now, { hardware: id }),
    })),
    { label: '', kind: QuickPickItemKind.Separator },
    {
      label: '$(device-desktop) Use this machine',
      description: 'asks nvidia-smi',
      command: 'shardlens.useThisMachine',
    },
    { label: '$(file-add) Import hardware from log…', command: 'shardlens.importHardware' },
    { label: '$(discard) As the files say', description: 'forget what was picked here', overrides: without(now, {}) },
    ...(answer.settingsUri
      ? [{ label: '$(go-to-file) Open shardlens.json', open: Uri.parse(answer.settingsUri) }]
      : []),
  ];
  const choice = await window.showQuickPick(choices, {
    title: 'Which machine is this run for?',
    placeHolder: 'Type to search, as "h100" or "p4d"',
    matchOnDescription: true,
  });
  if (choice?.command) await commands.executeCommand(choice.command);
  else if (choice?.open) await commands.executeCommand('vscode.open', choice.open);
  else if (choice?.overrides) await applyMachine(server, choice.overrides);
}

/** A machine alone does not say how many of it: that is asked once, and may be left open. */
async function applyMachine(server: Server, overrides: EditorOverrides): Promise<void> {
  if (!overrides.hardware) {
    await server.override(overrides);
    return;
  }
  const nodes = await askNumber('How many nodes?', overrides.nodes ?? 1);
  if (nodes === undefined) return;
  await server.override({ ...overrides, nodes });
}

/** Asks for a model and computes every estimate of this workspace with it. */
export async function setModel(server: Server, uri?: string): Promise<void> {
  const source = uri ? Uri.parse(uri) : window.activeTextEditor?.document.uri;
  if (!source) return;
  const { models } = await server.targets(source);
  const model = await window.showQuickPick(
    models.map(({ id, detail }) => ({ label: id, description: detail })),
    {
      title: 'Which model does this run train?',
      placeHolder: 'Type to search, as "llama-3-8b"',
      matchOnDescription: true,
    },
  );
  if (model) await server.override({ ...server.overrides, model: model.label });
}

/** Asks for a sequence length and computes every estimate of this workspace with it. */
export async function setSequenceLength(server: Server): Promise<void> {
  const sequenceLength = await askNumber('Longest sample, in tokens', server.overrides.sequenceLength ?? 4096);
  if (sequenceLength !== undefined) await server.override({ ...server.overrides, sequenceLength });
}

async function askNumber(title: string, value: number): Promise<number | undefined> {
  const text = await window.showInputBox({
    title,
    value: String(value),
    validateInput: (input) => (/^[1-9]\d*$/.test(input.trim()) ? undefined : 'A whole number, at least 1.'),
  });
  return text === undefined ? undefined : Number(text);
}

/** The overrides with another machine; what was picked for the last one does not carry over. */
function without(now: EditorOverrides, machine: EditorOverrides): EditorOverrides {
  const { target: _target, hardware: _hardware, nodes: _nodes, gpusPerNode: _gpus, ...rest } = now;
  return { ...rest, ...machine };
}

function group<T>(label: string, items: readonly T[], choice: (item: T) => Choice): Choice[] {
  return items.length === 0 ? [] : [{ label, kind: QuickPickItemKind.Separator }, ...items.map(choice)];
}
