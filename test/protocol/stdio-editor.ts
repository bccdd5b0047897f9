import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  createMessageConnection,
  type InitializeParams,
  type InitializeResult,
  type MessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-languageserver-protocol/node';

export const BUNDLE = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../dist/shardlens.js');

export interface StdioEditor {
  readonly connection: MessageConnection;
  readonly initialized: InitializeResult;
  /** Messages the server sent by itself; a test takes the ones it expects, and {@link StdioEditor.stop} fails on others. */
  readonly inbox: { method: string; params: unknown }[];
  take(method: string): Promise<unknown>;
  open(uri: string, text: string): void;
  /** Shuts the server down; fails when it said something that no test took, or did not end with status 0. */
  stop(): Promise<void>;
}

/** The real server, started as an editor starts it. */
export async function startStdioEditor(params: Partial<InitializeParams> = {}): Promise<StdioEditor> {
  const server: ChildProcessWithoutNullStreams = spawn(process.execPath, [BUNDLE, 'lsp', '--stdio']);
  let complaints = '';
  server.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  const ended = new Promise<number | null>((resolve) => server.on('exit', resolve));
  const connection = createMessageConnection(
    new StreamMessageReader(server.stdout),
    new StreamMessageWriter(server.stdin),
  );
  const inbox: { method: string; params: unknown }[] = [];
  connection.onNotification((method, given) => {
    inbox.push({ method, params: given });
  });
  connection.onRequest((method, given) => {
    inbox.push({ method, params: given });
    return null;
  });
  connection.listen();
  const initialized = await connection.sendRequest<InitializeResult>('initialize', {
    processId: process.pid,
    rootUri: null,
    workspaceFolders: null,
    capabilities: CAPABILITIES,
    ...params,
  } satisfies InitializeParams);
  await connection.sendNotification('initialized', {});
  return {
    connection,
    initialized,
    inbox,
    async take(method) {
      const end = Date.now() + 5000;
      for (;;) {
        const at = inbox.findIndex((message) => message.method === method);
        if (at >= 0) return inbox.splice(at, 1)[0]?.params;
        if (Date.now() > end) throw new Error(`the server never sent ${method}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
    open(uri, text) {
      const languageId = /\.ya?ml$/.test(uri) ? 'yaml' : 'json';
      void connection.sendNotification('textDocument/didOpen', {
        textDocument: { uri, languageId, version: 1, text },
      });
    },
    async stop() {
      await connection.sendRequest('shutdown');
      await connection.sendNotification('exit');
      const status = await ended;
      connection.dispose();
      if (complaints !== '') throw new Error(`the server wrote to standard error: ${complaints}`);
      if (inbox.length > 0) throw new Error(`unread: ${inbox.map(({ method }) => method).join(', ')}`);
      if (status !== 0) throw new Error(`the server ended with status ${status}`);
    },
  };
}

const CAPABILITIES: InitializeParams['capabilities'] = {
  workspace: {
    workspaceEdit: { documentChanges: true },
    diagnostics: { refreshSupport: true },
  },
  textDocument: {
    diagnostic: {},
    completion: { completionItem: { snippetSupport: true } },
    hover: { contentFormat: ['markdown'] },
  },
};
