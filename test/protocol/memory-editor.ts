import type {
  Diagnostic,
  DocumentDiagnosticReport,
  InitializeParams,
  PublishDiagnosticsParams,
} from 'vscode-languageserver-protocol';
import { type Connection, connectInMemory } from '../../server/src/lsp/connection';
import { createServer } from '../../server/src/lsp/server';
import type { Core } from '../../server/src/lsp/session';

export interface MemoryEditor {
  readonly connection: Connection;
  /** What the server said by itself: method names, in order. */
  readonly heard: string[];
  readonly published: PublishDiagnosticsParams[];
  open(uri: string, text: string, languageId?: string): void;
  /** Replaces the text of one line. */
  type(uri: string, version: number, line: number, text: string): void;
  pull(uri: string): Promise<readonly Diagnostic[]>;
}

interface EditorOptions {
  readonly pull?: boolean;
  readonly calmMilliseconds?: number;
  readonly folders?: readonly string[];
  /** The client makes files that an edit asks for. */
  readonly create?: boolean;
  /** Answers of the client, by method. */
  readonly answers?: Readonly<Record<string, (params: never) => unknown>>;
}

/** An editor in the test's own process, on a server with the given core. */
export async function startEditor(core: Core, options: EditorOptions = {}): Promise<MemoryEditor> {
  const { client, server } = connectInMemory();
  createServer(server, core);
  const heard: string[] = [];
  const published: PublishDiagnosticsParams[] = [];
  for (const method of ['workspace/diagnostic/refresh', 'client/registerCapability']) {
    client.onRequest(method, () => {
      heard.push(method);
      return null;
    });
  }
  client.onNotification('window/logMessage', () => {
    heard.push('window/logMessage');
  });
  client.onNotification('textDocument/publishDiagnostics', (params: PublishDiagnosticsParams) => {
    published.push(params);
  });
  for (const [method, answer] of Object.entries(options.answers ?? {})) client.onRequest(method, answer);
  await client.sendRequest('initialize', {
    processId: null,
    rootUri: null,
    workspaceFolders: (options.folders ?? []).map((uri) => ({ uri, name: uri })),
    capabilities: {
      workspace: {
        diagnostics: { refreshSupport: true },
        workspaceEdit: { documentChanges: true, ...(options.create ? { resourceOperations: ['create'] } : {}) },
      },
      textDocument: options.pull === false ? {} : { diagnostic: {} },
    },
    initializationOptions: { calmMilliseconds: options.calmMilliseconds ?? 0 },
  } satisfies InitializeParams);
  client.sendNotification('initialized', {});
  return {
    connection: client,
    heard,
    published,
    open(uri, text, languageId = 'json') {
      client.sendNotification('textDocument/didOpen', { textDocument: { uri, languageId, version: 1, text } });
    },
    type(uri, version, line, text) {
      const range = { start: { line, character: 0 }, end: { line, character: 1000 } };
      client.sendNotification('textDocument/didChange', {
        textDocument: { uri, version },
        contentChanges: [{ range, text }],
      });
    },
    async pull(uri) {
      const report = await client.sendRequest<DocumentDiagnosticReport>('textDocument/diagnostic', {
        textDocument: { uri },
      });
      if (report.kind !== 'full') throw new Error('unchanged, but nothing was known');
      return report.items;
    },
  };
}

/** Waits until something holds; fails after two seconds. */
export async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 2000;
  while (!holds()) {
    if (Date.now() > end) throw new Error('it did not happen');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
