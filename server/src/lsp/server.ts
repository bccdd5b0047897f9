import type {
  CodeActionParams,
  DidChangeTextDocumentParams,
  DidChangeWorkspaceFoldersParams,
  DidCloseTextDocumentParams,
  DidOpenTextDocumentParams,
  DocumentDiagnosticParams,
  DocumentDiagnosticReport,
  InitializeParams,
  InitializeResult,
  InlayHint,
  InlayHintParams,
  TextDocumentPositionParams,
} from 'vscode-languageserver-protocol';
import type { Overrides } from '../core/analysis';
import { version } from '../version';
import { abilitiesOf, capabilities, optionsOf, rootsOf } from './capabilities';
import type { Connection } from './connection';
import { Diagnostics } from './diagnostics';
import type { Folders } from './disk';
import {
  type CalibrateParams,
  type CheckParams,
  type ClientSettings,
  type CompareParams,
  type EditorOverrides,
  type ExplainParams,
  type FileParams,
  type ImportHardwareParams,
  methods,
  NOT_OURS,
} from './protocol';
import { calibrateAnswer } from './requests/calibrate';
import { checkFiles } from './requests/check';
import { codeActions } from './requests/code-action';
import { compareAnswer } from './requests/compare';
import { completionItems } from './requests/completion';
import { definition, documentLinks } from './requests/document-link';
import { documentSymbols } from './requests/document-symbol';
import { fitAnswer } from './requests/fit';
import { hoverAt } from './requests/hover';
import { importAnswer } from './requests/import-hardware';
import { inlayHint, resolvedHint } from './requests/inlay-hint';
import { machinesAnswer } from './requests/machines';
import { breakdown, explain, fileStatus, lensesOf } from './requests/shardlens';
import { targets } from './requests/targets';
import { viewAnswer } from './requests/view';
import { onSnapshot } from './schedule';
import { type AnalysedSnapshot, type Core, Session } from './session';
import { pathOf } from './uri';

/** Files whose change can change a finding: configs, launch scripts, version files. */
const WATCHED =
  '**/{*.json,*.jsonc,*.yaml,*.yml,*.sh,*.slurm,*.sbatch,requirements*.txt,constraints*.txt,pyproject.toml,uv.lock,poetry.lock,pdm.lock,Pipfile,Pipfile.lock,setup.cfg,setup.py,Dockerfile*,*sagemaker*.py,*estimator*.py}';

/** Answers a client on a connection. The only entry: editors and our own command line both come in here. */
export function createServer(connection: Connection, core: Core, folders?: Folders): void {
  const session = new Session(connection, core, folders);
  const diagnostics = new Diagnostics(session);
  lifecycle(session, diagnostics);
  synchronisation(session, diagnostics);
  features(session, diagnostics);
}

function lifecycle(session: Session, diagnostics: Diagnostics): void {
  const { connection } = session;
  connection.onRequest('initialize', (params: InitializeParams): InitializeResult => {
    const options = optionsOf(params);
    session.abilities = abilitiesOf(params);
    session.settings = options.settings;
    session.setOverrides(options.overrides);
    session.files.open(rootsOf(params).map(pathOf), options.allowed.map(pathOf));
    diagnostics.start(options.calmMilliseconds);
    return { capabilities: capabilities(session.abilities), serverInfo: { name: 'shardlens', version } };
  });
  connection.onNotification('initialized', () => {
    if (session.abilities.watchFiles) registerWatching(connection);
    void pullSettings(session, diagnostics);
  });
  connection.onRequest('shutdown', () => null);
}

function registerWatching(connection: Connection): void {
  const registrations = [
    {
      id: 'shardlens-files',
      method: 'workspace/didChangeWatchedFiles',
      registerOptions: { watchers: [{ globPattern: WATCHED }] },
    },
  ];
  // A client that refuses still works: files are looked at again with every request.
  connection.sendRequest('client/registerCapability', { registrations }).catch(() => {});
}

async function pullSettings(session: Session, diagnostics: Diagnostics): Promise<void> {
  if (!session.abilities.configuration) return;
  try {
    const [settings] = await session.connection.sendRequest<(ClientSettings | null)[]>('workspace/configuration', {
      items: [{ section: 'shardlens' }],
    });
    if (settings) session.settings = settings;
  } catch {
    return; // The settings of the initialization stay in force.
  }
  diagnostics.refreshAll();
}

function synchronisation(session: Session, diagnostics: Diagnostics): void {
  const { connection, documents } = session;
  connection.onNotification('textDocument/didOpen', ({ textDocument }: DidOpenTextDocumentParams) => {
    documents.didOpen(textDocument);
    diagnostics.changed();
  });
  connection.onNotification(
    'textDocument/didChange',
    ({ textDocument, contentChanges }: DidChangeTextDocumentParams) => {
      documents.didChange(textDocument, contentChanges);
      diagnostics.changed();
    },
  );
  connection.onNotification('textDocument/didClose', ({ textDocument }: DidCloseTextDocumentParams) => {
    const closed = documents.didClose(textDocument.uri);
    if (closed) diagnostics.closed(closed);
  });
  connection.onNotification('workspace/didChangeWatchedFiles', () => {
    session.remote.forget();
    diagnostics.refreshAll();
  });
  connection.onNotification('workspace/didChangeWorkspaceFolders', ({ event }: DidChangeWorkspaceFoldersParams) => {
    const removed = new Set(event.removed.map(({ uri }) => pathOf(uri)));
    session.files.changeRoots((roots) => [
      ...roots.filter((root) => !removed.has(root)),
      ...event.added.map(({ uri }) => pathOf(uri)),
    ]);
    diagnostics.refreshAll();
  });
  connection.onNotification('workspace/didChangeConfiguration', ({ settings }: { settings?: unknown }) => {
    const own = (settings as { shardlens?: ClientSettings } | null | undefined)?.shardlens;
    if (own) session.settings = own;
    if (own || !session.abilities.configuration) diagnostics.refreshAll();
    else void pullSettings(session, diagnostics);
  });
  connection.onNotification(methods.overrides, (overrides: EditorOverrides) => {
    session.setOverrides({ ...overrides, from: 'editor' } satisfies Overrides);
    diagnostics.refreshAll();
  });
}

function features(session: Session, diagnostics: Diagnostics): void {
  const { connection } = session;
  connection.onRequest(
    'textDocument/diagnostic',
    (params: DocumentDiagnosticParams, cancellation): Promise<DocumentDiagnosticReport> =>
      diagnostics.pull(params, cancellation),
  );
  connection.onRequest(methods.check, (params: CheckParams) => checkFiles(session, params));
  connection.onRequest(methods.machines, ({ uri }: FileParams, cancellation) =>
    machinesAnswer(session, uri, cancellation),
  );
  connection.onRequest(methods.compareTargets, (params: CompareParams, cancellation) =>
    compareAnswer(session, params, cancellation),
  );
  connection.onRequest(methods.view, ({ uri }: FileParams, cancellation) => viewAnswer(session, uri, cancellation));
  connection.onRequest(methods.fit, ({ uri }: FileParams, cancellation) => fitAnswer(session, uri, cancellation));
  connection.onRequest(methods.explain, (params: ExplainParams) => explain(session, params));
  connection.onRequest(methods.calibrate, (params: CalibrateParams, cancellation) =>
    calibrateAnswer(session, params, cancellation),
  );
  connection.onRequest(methods.importHardware, (params: ImportHardwareParams) => importAnswer(session, params));

  const on = <P extends { readonly textDocument: { readonly uri: string } }, R>(
    method: string,
    fallback: R,
    work: (snapshot: AnalysedSnapshot, params: P) => R,
  ) =>
    connection.onRequest(method, (params: P, cancellation) =>
      onSnapshot(session, params.textDocument.uri, cancellation, fallback, (snapshot) => work(snapshot, params)),
    );
  on('textDocument/codeAction', [], (snapshot, params: CodeActionParams) => codeActions(session, snapshot, params));
  on('textDocument/documentLink', [], (snapshot) => documentLinks(session, snapshot));
  on('textDocument/documentSymbol', [], (snapshot) => documentSymbols(snapshot));
  on('textDocument/inlayHint', [], (snapshot, params: InlayHintParams) => inlayHint(session, snapshot, params));
  on('textDocument/definition', [], (snapshot, params: TextDocumentPositionParams) =>
    definition(session, snapshot, offsetOf(snapshot, params)),
  );
  on('textDocument/hover', null, (snapshot, params: TextDocumentPositionParams) =>
    hoverAt(session, snapshot, offsetOf(snapshot, params)),
  );
  on('textDocument/completion', null, (snapshot, params: TextDocumentPositionParams) =>
    completionItems(session, snapshot, offsetOf(snapshot, params)),
  );
  connection.onRequest('inlayHint/resolve', (hint: InlayHint, cancellation) =>
    resolvedHint(session, hint, cancellation),
  );

  const onUri = <R>(method: string, fallback: R, work: (snapshot: AnalysedSnapshot) => R) =>
    connection.onRequest(method, ({ uri }: { uri: string }, cancellation) =>
      onSnapshot(session, uri, cancellation, fallback, work),
    );
  onUri(methods.lenses, [], (snapshot) => lensesOf(session, snapshot));
  onUri(methods.status, NOT_OURS, (snapshot) => fileStatus(session, snapshot));
  onUri(methods.targets, null, (snapshot) => targets(session, snapshot));
  onUri(methods.breakdown, null, (snapshot) => breakdown(session, snapshot));
}

function offsetOf({ analysis }: AnalysedSnapshot, { position }: TextDocumentPositionParams): number {
  return analysis.file.lines.offsetAt(position);
}
