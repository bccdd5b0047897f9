import type { CancellationToken, CodeLensProvider, Command, Disposable, TextDocument } from 'vscode';
import { CodeLens, EventEmitter, Range, workspace } from 'vscode';
import type { Lens } from '../../server/src/lsp/protocol';
import { mayConcernUs } from './documents';
import type { Server } from './server';

/** The command behind each action of a lens. */
const COMMANDS: Readonly<Record<Lens['action'], string>> = {
  breakdown: 'shardlens.showBreakdown',
  fit: 'shardlens.makeItFit',
  machines: 'shardlens.whereWouldItRun',
  compare: 'shardlens.compareTargets',
  'pick-target': 'shardlens.pickTarget',
  'set-model': 'shardlens.setModel',
  'set-sequence-length': 'shardlens.setSequenceLength',
  none: '',
};

/** Draws what the server says about a config in one line above it. */
export class LensProvider implements CodeLensProvider, Disposable {
  private readonly changes = new EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.changes.event;
  private readonly subscriptions: Disposable[];

  constructor(private readonly server: Server) {
    this.subscriptions = [
      server.onDidChange(() => this.changes.fire()),
      workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration('shardlens.lenses')) this.changes.fire();
      }),
    ];
  }

  async provideCodeLenses(document: TextDocument, token: CancellationToken): Promise<CodeLens[]> {
    if (!workspace.getConfiguration('shardlens', document).get('lenses.enabled', true)) return [];
    if (!this.server.running && !mayConcernUs(document)) return [];
    const lenses = await this.server.lenses(document.uri);
    if (token.isCancellationRequested) return [];
    return lenses.map((lens) => new CodeLens(rangeOf(lens), commandOf(lens, document)));
  }

  dispose(): void {
    this.changes.dispose();
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

function rangeOf({ range }: Lens): Range {
  return new Range(range.start.line, range.start.character, range.end.line, range.end.character);
}

function commandOf(lens: Lens, document: TextDocument): Command {
  return {
    title: lens.title,
    tooltip: lens.tooltip,
    command: COMMANDS[lens.action],
    arguments: [document.uri.toString()],
  };
}
