import path from 'node:path';
import type { CancellationToken, Disposable, ExtensionContext, TextDocument, WorkspaceEdit } from 'vscode';
import { EventEmitter, Uri, window, workspace } from 'vscode';
import type { LanguageClientOptions, ServerOptions } from 'vscode-languageclient/node';
import { LanguageClient, TransportKind } from 'vscode-languageclient/node';
import type {
  CalibrateAnswer,
  CalibrateParams,
  CompareAnswer,
  EditorOverrides,
  FileStatus,
  FitAnswer,
  FitRemedy,
  ImportHardwareAnswer,
  ImportHardwareParams,
  Lens,
  ListFolderAnswer,
  MachinesAnswer,
  ReadFileAnswer,
  SearchProgress,
  TargetsAnswer,
  ViewAnswer,
} from '../../server/src/lsp/protocol';
import { methods } from '../../server/src/lsp/protocol';
import { mayConcernUs, selector } from './documents';
import { calm } from './middleware';

/** {@link FitAnswer} with the editor's own edits. */
export type FoundRemedies = Omit<FitAnswer, 'remedies'> & { readonly remedies: readonly FoundRemedy[] };
export type FoundRemedy = Omit<FitRemedy, 'edit'> & { readonly edit: WorkspaceEdit };

const OVERRIDES_KEY = 'shardlens.overrides';

/**
 * The language server as the client uses it: started once, when first needed. A command that comes before it is ready
 * waits for it instead of failing.
 */
export class Server implements Disposable {
  private client: LanguageClient | undefined;
  private starting: Promise<LanguageClient> | undefined;
  private readonly changes = new EventEmitter<void>();
  /** Lenses and status may show something else now. */
  readonly onDidChange = this.changes.event;

  constructor(private readonly context: ExtensionContext) {}

  startFor(document: TextDocument): void {
    if (mayConcernUs(document)) void this.ready();
  }

  get running(): boolean {
    return this.client !== undefined;
  }

  lenses(uri: Uri): Promise<readonly Lens[]> {
    return this.ask(methods.lenses, { uri: uri.toString() });
  }

  status(uri: Uri): Promise<FileStatus | null> {
    return this.ask(methods.status, { uri: uri.toString() });
  }

  targets(uri: Uri): Promise<TargetsAnswer> {
    return this.ask(methods.targets, { uri: uri.toString() });
  }

  view(uri: Uri): Promise<ViewAnswer | null> {
    return this.ask(methods.view, { uri: uri.toString() });
  }

  /** Searches for edits that make the run fit or go faster; the answer's edits are the editor's own. */
  async fit(uri: Uri, token: CancellationToken, onTried: (tried: number) => void): Promise<FoundRemedies | null> {
    const client = await this.ready();
    const answer = await this.search<FitAnswer>(methods.fit, uri, token, onTried);
    if (!answer) return null;
    const convert = client.protocol2CodeConverter;
    const remedies = answer.remedies.map(async ({ edit, ...remedy }) => ({
      ...remedy,
      edit: await convert.asWorkspaceEdit(edit),
    }));
    return { ...answer, remedies: await Promise.all(remedies) };
  }

  /** Where the run surely fits. */
  machines(uri: Uri, token: CancellationToken, onTried: (tried: number) => void): Promise<MachinesAnswer | null> {
    return this.search(methods.machines, uri, token, onTried);
  }

  /** The run on every target of its shardlens.json. */
  compareTargets(uri: Uri, token: CancellationToken, onDone: (done: number) => void): Promise<CompareAnswer | null> {
    return this.search(methods.compareTargets, uri, token, onDone);
  }

  private async search<T>(
    method: string,
    uri: Uri,
    token: CancellationToken,
    onTried: (tried: number) => void,
  ): Promise<T | null> {
    const client = await this.ready();
    const heard = client.onNotification(methods.searchProgress, ({ done }: SearchProgress) => onTried(done));
    try {
      return await client.sendRequest<T | null>(method, { uri: uri.toString() }, token);
    } finally {
      heard.dispose();
    }
  }

  /** What logs measured of the run of a config; null where it describes none. */
  calibrate(params: CalibrateParams): Promise<CalibrateAnswer | null> {
    return this.ask(methods.calibrate, params);
  }

  importHardware(params: ImportHardwareParams): Promise<ImportHardwareAnswer> {
    return this.ask(methods.importHardware, params);
  }

  explain(rule: string): Promise<{ markdown: string } | null> {
    return this.ask(methods.explain, { rule });
  }

  get overrides(): EditorOverrides {
    return this.context.workspaceState.get<EditorOverrides>(OVERRIDES_KEY, {});
  }

  /** Remembers what was picked for this workspace and tells the server. */
  async override(overrides: EditorOverrides): Promise<void> {
    await this.context.workspaceState.update(OVERRIDES_KEY, overrides);
    const client = await this.ready();
    await client.sendNotification(methods.overrides, overrides);
    this.changes.fire();
  }

  async restart(): Promise<void> {
    await this.client?.stop();
    this.client = undefined;
    this.starting = undefined;
    await this.ready();
    this.changes.fire();
  }

  dispose(): void {
    this.changes.dispose();
    void this.client?.stop();
  }

  private async ask<T>(method: string, params: object): Promise<T> {
    const client = await this.ready();
    return client.sendRequest<T>(method, params);
  }

  private ready(): Promise<LanguageClient> {
    this.starting ??= this.start().catch((error: unknown) => {
      this.starting = undefined;
      void window.showErrorMessage(`Shardlens could not start its language server: ${String(error)}`);
      throw error;
    });
    return this.starting;
  }

  private async start(): Promise<LanguageClient> {
    const module = path.join(this.context.extensionPath, 'dist', 'shardlens.js');
    const run = { module, transport: TransportKind.ipc, args: ['lsp'] };
    const serverOptions: ServerOptions = {
      run,
      debug: { ...run, options: { execArgv: ['--nolazy', '--inspect=6009'] } },
    };
    const clientOptions: LanguageClientOptions = {
      documentSelector: selector as NonNullable<LanguageClientOptions['documentSelector']>,
      initializationOptions: { settings: workspace.getConfiguration('shardlens'), overrides: this.overrides },
      synchronize: {
        configurationSection: 'shardlens',
        fileEvents: workspace.createFileSystemWatcher('**/*.{json,jsonc,yaml,yml,sh,bash,slurm,sbatch,txt,toml,lock}'),
      },
      middleware: calm,
    };
    const client = new LanguageClient('shardlens', 'Shardlens', serverOptions, clientOptions);
    client.onRequest(methods.readFile, ({ uri }: { uri: string }) => readFile(Uri.parse(uri)));
    client.onRequest(methods.listFolder, ({ uri }: { uri: string }) => listFolder(Uri.parse(uri)));
    client.onNotification(methods.refresh, () => this.changes.fire());
    await client.start();
    this.client = client;
    this.changes.fire();
    return client;
  }
}

/** Files of a virtual workspace, which the server's Node cannot read itself. */
async function readFile(uri: Uri): Promise<ReadFileAnswer> {
  try {
    return { base64: Buffer.from(await workspace.fs.readFile(uri)).toString('base64') };
  } catch {
    return { base64: null };
  }
}

async function listFolder(uri: Uri): Promise<ListFolderAnswer> {
  try {
    const entries = await workspace.fs.readDirectory(uri);
    return { names: entries.filter(([, type]) => (type & 1) !== 0).map(([name]) => name) };
  } catch {
    return { names: [] };
  }
}
