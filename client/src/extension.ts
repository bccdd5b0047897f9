import type { ExtensionContext } from 'vscode';
import { commands, languages, workspace } from 'vscode';
import { Breakdowns } from './breakdown';
import { calibrateFromLog } from './calibrate';
import { compareTargets } from './compare';
import { selector } from './documents';
import { makeItFit } from './fit';
import { importFromLog, useThisMachine } from './hardware';
import { LensProvider } from './lenses';
import { whereWouldItRun } from './machines';
import { APPLY_WITH_PREVIEW, EXPLAIN_RULE } from './middleware';
import { applyWithPreview, registerPreviews } from './preview';
import { openRulePage, ruleDocuments } from './rule-pages';
import { Server } from './server';
import { FileStatusItem } from './status';
import { pickTarget, setModel, setSequenceLength } from './targets';

/** Registers and returns; the server starts with the first file that could be ours, or the first command. */
export function activate(context: ExtensionContext): void {
  const server = new Server(context);
  const lenses = new LensProvider(server);
  const status = new FileStatusItem(server);
  const breakdowns = new Breakdowns(server, context.extensionUri);
  context.subscriptions.push(
    server,
    lenses,
    status,
    breakdowns,
    ruleDocuments(server),
    registerPreviews(),
    languages.registerCodeLensProvider(selector, lenses),
    commands.registerCommand('shardlens.showBreakdown', (uri?: string) => breakdowns.open(uri)),
    commands.registerCommand(EXPLAIN_RULE, (rule: string) => openRulePage(rule)),
    commands.registerCommand(APPLY_WITH_PREVIEW, applyWithPreview),
    commands.registerCommand('shardlens.makeItFit', (uri?: string) => makeItFit(server, uri)),
    commands.registerCommand('shardlens.whereWouldItRun', (uri?: string) => whereWouldItRun(server, uri)),
    commands.registerCommand('shardlens.compareTargets', (uri?: string) => compareTargets(server, uri)),
    commands.registerCommand('shardlens.pickTarget', (uri?: string) => pickTarget(server, uri)),
    commands.registerCommand('shardlens.useThisMachine', () => useThisMachine(server)),
    commands.registerCommand('shardlens.importHardware', (uri?: string) => importFromLog(server, uri)),
    commands.registerCommand('shardlens.calibrate', (uri?: string, logs?: readonly string[]) =>
      calibrateFromLog(server, uri, logs),
    ),
    commands.registerCommand('shardlens.setModel', (uri?: string) => setModel(server, uri)),
    commands.registerCommand('shardlens.setSequenceLength', () => setSequenceLength(server)),
    commands.registerCommand('shardlens.restartServer', () => server.restart()),
    workspace.onDidOpenTextDocument((document) => server.startFor(document)),
  );
  for (const document of workspace.textDocuments) server.startFor(document);
}
