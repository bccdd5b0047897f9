import { execFile } from 'node:child_process';
import os from 'node:os';
import { commands, ProgressLocation, Uri, window, workspace } from 'vscode';
import type { ImportHardwareAnswer, ImportHardwareParams } from '../../server/src/lsp/protocol';
import { type Printed, readPrinted } from './printed';
import type { Server } from './server';
import { applied } from './settings-change';

/** What is asked of each vendor's own tool. The first that is there answers for the machine. */
const TOOLS: readonly { readonly program: string; readonly questions: readonly (readonly string[])[] }[] = [
  {
    program: 'nvidia-smi',
    questions: [
      [
        '--query-gpu=name,memory.total,compute_cap,pcie.link.gen.max,pcie.link.width.max,mig.mode.current',
        '--format=csv',
      ],
      ['topo', '-m'],
      ['topo', '-p2p', 'r'],
    ],
  },
  { program: 'rocm-smi', questions: [['--showproductname'], ['--showmeminfo', 'vram'], ['--showtopo']] },
  { program: 'neuron-ls', questions: [[]] },
];

/** A driver that hangs must not hang the editor's command. */
const TOOL_MILLISECONDS = 30_000;

/** Asks the tools of this machine, and offers to write what they say as a target. Only here, on a click, programs are run. */
export async function useThisMachine(server: Server): Promise<void> {
  if (!workspace.isTrusted) {
    const manage = 'Manage Workspace Trust';
    const message = 'Shardlens runs nvidia-smi only in a workspace that you trust.';
    if ((await window.showWarningMessage(message, manage)) === manage)
      await commands.executeCommand('workbench.trust.manage');
    return;
  }
  const progress = { location: ProgressLocation.Notification, title: 'Shardlens: asking this machine for its GPUs' };
  const printed = await window.withProgress(progress, askTools);
  if (printed.length > 0) {
    await offer(server, [...printed, hostFacts()], 'this-machine');
    return;
  }
  const instead = 'Import from Log…';
  const message = 'Neither nvidia-smi nor rocm-smi nor neuron-ls answered on this machine.';
  if ((await window.showWarningMessage(message, instead)) === instead) await importFromLog(server);
}

/** Reads logs and outputs of tools that were saved on the machine that trains. */
export async function importFromLog(server: Server, uri?: string): Promise<void> {
  const files = uri
    ? [Uri.parse(uri)]
    : await window.showOpenDialog({ canSelectMany: true, title: 'NCCL logs, or output of nvidia-smi and its like' });
  if (!files || files.length === 0) return;
  const printed = await readPrinted(files, '`shardlens hardware import`');
  if (printed) await offer(server, printed, 'imported');
}

async function askTools(): Promise<Printed> {
  for (const { program, questions } of TOOLS) {
    const answers: { name: string; text: string }[] = [];
    for (const question of questions) {
      const text = await output(program, question);
      if (text !== undefined) answers.push({ name: [program, ...question].join(' ').slice(0, 40), text });
    }
    if (answers.length > 0) return answers;
  }
  return [];
}

/** What a program prints; undefined where it is not there or fails. No shell stands between. */
function output(program: string, question: readonly string[]): Promise<string | undefined> {
  const options = { timeout: TOOL_MILLISECONDS, maxBuffer: 8 * 2 ** 20, windowsHide: true };
  return new Promise((resolve) => {
    execFile(program, [...question], options, (error, stdout) => resolve(error ? undefined : stdout));
  });
}

/** In the words of /proc/meminfo and lscpu, which not every system has. */
function hostFacts(): Printed[number] {
  const cpus = os.cpus();
  const lines = [`MemTotal: ${Math.round(os.totalmem() / 1024)} kB`, `CPU(s): ${cpus.length}`];
  const model = cpus[0]?.model;
  return { name: 'this machine', text: [...lines, ...(model ? [`Model name: ${model}`] : [])].join('\n') };
}

/** Asks for what is not known and for a name, then shows the change of shardlens.json before it is made. */
async function offer(server: Server, printed: Printed, proposed: string): Promise<void> {
  const uri = placeOf();
  if (!uri) {
    void window.showInformationMessage('Open a folder: its shardlens.json will hold the machine.');
    return;
  }
  const params = { uri: uri.toString(), printed };
  const found = await identified(server, params);
  if (!found) return;
  const { answer, hardware } = found;
  const target = await window.showInputBox({
    title: answer.title,
    prompt: promptOf(answer),
    value: proposed,
    validateInput: (name) => (name.trim() === '' ? 'The target needs a name.' : undefined),
  });
  if (target === undefined) return;
  const { change } = await server.importHardware({ ...params, ...hardware, target: target.trim() });
  if (!change) return;
  if (await applied(change, `Add ${answer.title}`))
    await server.override({ ...server.overrides, target: target.trim() });
}

/** The machine; where the texts do not name it, the user does. */
async function identified(
  server: Server,
  params: ImportHardwareParams,
): Promise<{ answer: ImportHardwareAnswer; hardware: { hardware?: string } } | undefined> {
  let hardware: { hardware?: string } = {};
  for (;;) {
    const answer = await server.importHardware({ ...params, ...hardware });
    if (answer.unrecognised.length === params.printed.length) {
      void window.showErrorMessage(`Nothing in ${answer.unrecognised.join(', ')} is output that Shardlens knows.`);
      return undefined;
    }
    if (answer.known) return { answer, hardware };
    const named = await window.showInputBox({
      title: 'Which GPU or machine is it?',
      prompt: [...answer.unknown.slice(0, 1), ...answer.suggestions.slice(0, 2)].join(' · '),
      placeHolder: 'A name of the catalog, as "H100" or "p4d.24xlarge"',
      value: answer.suggestions[0]?.split(':')[0] ?? '',
    });
    if (!named) return undefined;
    hardware = { hardware: named };
  }
}

function promptOf({ unknown, notes }: ImportHardwareAnswer): string {
  const open = unknown.map((it) => it.slice(0, it.indexOf(':')));
  const parts = ['Name of the target in shardlens.json', ...(open.length > 0 ? [`not known: ${open.join(', ')}`] : [])];
  return [...parts, ...notes.slice(0, 1)].join(' · ');
}

/** The config in view decides which shardlens.json is meant, else the first folder. */
function placeOf(): Uri | undefined {
  const active = window.activeTextEditor?.document.uri;
  if (active && workspace.getWorkspaceFolder(active)) return active;
  const folder = workspace.workspaceFolders?.[0];
  return folder && Uri.joinPath(folder.uri, 'shardlens.json');
}
