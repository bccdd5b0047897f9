import { randomBytes } from 'node:crypto';
import type { Disposable, Webview, WebviewPanel } from 'vscode';
import { commands, Selection, Uri, ViewColumn, window, workspace } from 'vscode';
import { LSPErrorCodes, ResponseError } from 'vscode-languageclient/node';
import { breakdownPage, escaped, type PageData } from '../../server/src/core/features/breakdown-page';
import type { ViewAnswer } from '../../server/src/lsp/protocol';
import type { FromView, ToView, ViewAction, ViewState } from '../view/editor';
import type { Server } from './server';

const VIEW_TYPE = 'shardlens.breakdown';

/** Typing goes on in the config beside the view; it follows after this pause. */
const PAUSE_MILLISECONDS = 300;

/** Commands behind what the view offers; it can start nothing else. */
const COMMANDS: Readonly<Record<Exclude<ViewAction, 'open-settings'>, string>> = {
  'set-model': 'shardlens.setModel',
  'set-sequence-length': 'shardlens.setSequenceLength',
  'pick-target': 'shardlens.pickTarget',
  calibrate: 'shardlens.calibrate',
  'make-it-fit': 'shardlens.makeItFit',
  'where-would-it-run': 'shardlens.whereWouldItRun',
};

/** The breakdown views that are open: one for each config, beside it. */
export class Breakdowns implements Disposable {
  private readonly panels = new Map<string, Breakdown>();
  private readonly subscriptions: Disposable[];
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly server: Server,
    private readonly extension: Uri,
  ) {
    const refresh = () => this.refreshSoon();
    this.subscriptions = [
      server.onDidChange(refresh),
      workspace.onDidChangeTextDocument(refresh),
      workspace.onDidSaveTextDocument(refresh),
      window.registerWebviewPanelSerializer(VIEW_TYPE, {
        deserializeWebviewPanel: async (panel, state?: Partial<ViewState>) => {
          if (state?.uri) await this.show(panel, Uri.parse(state.uri));
          else panel.dispose();
        },
      }),
    ];
  }

  /** Opens the view of a config beside it, or shows the one that is open. */
  async open(uri?: string): Promise<void> {
    const source = uri ? Uri.parse(uri) : window.activeTextEditor?.document.uri;
    if (!source) {
      void window.showInformationMessage('Open a training config to see its breakdown.');
      return;
    }
    const there = this.panels.get(source.toString());
    if (there) {
      there.panel.reveal(undefined, true);
      return;
    }
    const column = { viewColumn: ViewColumn.Beside, preserveFocus: true };
    await this.show(window.createWebviewPanel(VIEW_TYPE, titleOf(source), column), source);
  }

  dispose(): void {
    clearTimeout(this.timer);
    for (const subscription of this.subscriptions) subscription.dispose();
    for (const { panel } of this.panels.values()) panel.dispose();
  }

  private async show(panel: WebviewPanel, source: Uri): Promise<void> {
    const key = source.toString();
    const breakdown = new Breakdown(this.server, this.extension, panel, source);
    this.panels.set(key, breakdown);
    panel.onDidDispose(() => {
      if (this.panels.get(key) === breakdown) this.panels.delete(key);
    });
    await breakdown.start();
  }

  private refreshSoon(): void {
    if (this.panels.size === 0) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      for (const breakdown of this.panels.values()) void breakdown.refresh();
    }, PAUSE_MILLISECONDS);
  }
}

function titleOf(source: Uri): string {
  return `Breakdown of ${source.path.slice(source.path.lastIndexOf('/') + 1)}`;
}

/** Said of a file without a run; one that could not be read has a finding that says so. */
const NO_RUN = 'Shardlens finds no training run in this file. If it is a config, its findings say why it was not read.';

/** One view. Nothing it holds outlives its page but what the page itself keeps as its state. */
class Breakdown {
  private places: ViewAnswer['places'] = {};
  private data: PageData = { problem: 'Shardlens is computing the breakdown.' };
  /** Something has changed while the view was hidden. */
  private stale = false;

  constructor(
    private readonly server: Server,
    private readonly extension: Uri,
    readonly panel: WebviewPanel,
    private readonly source: Uri,
  ) {}

  async start(): Promise<void> {
    const { panel } = this;
    const dist = Uri.joinPath(this.extension, 'dist');
    panel.webview.options = { enableScripts: true, enableCommandUris: false, localResourceRoots: [dist] };
    panel.webview.onDidReceiveMessage((message: FromView) => this.hear(message));
    panel.onDidChangeViewState(() => {
      if (panel.visible && this.stale) void this.refresh();
    });
    await this.load();
    panel.webview.html = pageOf(panel.webview, dist, this.source, this.data);
  }

  async refresh(): Promise<void> {
    this.stale = !this.panel.visible;
    if (this.stale) return;
    await this.load();
    this.post();
  }

  private async load(): Promise<void> {
    try {
      const answer = await this.server.view(this.source);
      this.places = answer?.places ?? {};
      this.data = answer ? { view: answer.view } : { problem: NO_RUN };
    } catch (error) {
      // An answer about a text that has changed meanwhile: that change brings the next refresh.
      if (error instanceof ResponseError && error.code === LSPErrorCodes.ContentModified) return;
      this.data = { problem: `Shardlens could not compute the breakdown: ${String(error)}` };
    }
  }

  private post(): void {
    const message: ToView = { type: 'data', data: this.data };
    void this.panel.webview.postMessage(message);
  }

  private async hear(message: FromView): Promise<void> {
    switch (message.type) {
      case 'ready':
        this.post();
        break;
      case 'open':
        await this.openPlace(message.path, message.line);
        break;
      case 'act':
        if (message.action === 'open-settings') await this.openSettings(message.key);
        else if (Object.hasOwn(COMMANDS, message.action))
          await commands.executeCommand(COMMANDS[message.action], this.source.toString());
        break;
    }
  }

  /** Only files that the answer names: the page cannot ask for others. */
  private async openPlace(path: string, line: number): Promise<void> {
    const uri = this.places[path];
    if (uri) await show(Uri.parse(uri), line);
  }

  /** shardlens.json, at the key where it has it. */
  private async openSettings(key: string | null): Promise<void> {
    const { settingsUri } = await this.server.targets(this.source);
    if (!settingsUri) {
      const advice = key === null ? '' : ` Write "${key}" into one, in the folder of the config or above.`;
      void window.showInformationMessage(`There is no shardlens.json for this config yet.${advice}`);
      return;
    }
    const uri = Uri.parse(settingsUri);
    const document = await workspace.openTextDocument(uri);
    const at = key === null ? -1 : document.getText().indexOf(`"${key}"`);
    await show(uri, at < 0 ? 0 : document.positionAt(at).line);
  }
}

async function show(uri: Uri, line: number): Promise<void> {
  const visible = window.visibleTextEditors.find(({ document }) => document.uri.toString() === uri.toString());
  const viewColumn = visible?.viewColumn ?? ViewColumn.One;
  await window.showTextDocument(uri, { viewColumn, selection: new Selection(line, 0, line, 0) });
}

/** Script and style come from the extension's own files; the page may load and reach nothing else. */
function pageOf(webview: Webview, dist: Uri, source: Uri, data: PageData): string {
  const nonce = randomBytes(18).toString('base64url');
  const at = (name: string) => webview.asWebviewUri(Uri.joinPath(dist, name)).toString(true);
  return breakdownPage({
    title: titleOf(source),
    policy: `default-src 'none'; script-src 'nonce-${nonce}'; style-src ${webview.cspSource}; base-uri 'none'; form-action 'none'`,
    style: `<link rel="stylesheet" href="${escaped(at('breakdown.css'))}">`,
    script: `<script nonce="${nonce}" src="${escaped(at('breakdown.js'))}"></script>`,
    body: `data-uri="${escaped(source.toString())}"`,
    data,
  });
}
