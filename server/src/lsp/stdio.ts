import {
  type CancellationToken,
  createMessageConnection,
  type GenericRequestHandler,
  IPCMessageReader,
  IPCMessageWriter,
  type MessageConnection,
  type MessageReader,
  type MessageWriter,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node';
import { type Connection, RequestFailure } from './connection';
import { ownCore } from './own-core';
import { createServer } from './server';

/** How often to look whether the editor that started us is still there, in milliseconds. */
const PARENT_CHECK_MILLISECONDS = 3000;

/** Runs the language server on standard input and output until the editor ends it. */
export function serveStdio(): void {
  serve(new StreamMessageReader(process.stdin), new StreamMessageWriter(process.stdout));
}

/** Runs it on the channel of a parent Node process, as VS Code's client starts servers. */
export function serveIpc(): void {
  process.on('disconnect', () => process.exit(1));
  serve(new IPCMessageReader(process), new IPCMessageWriter(process));
}

function serve(reader: MessageReader, writer: MessageWriter): void {
  const rpc = createMessageConnection(
    reader,
    writer,
    // Standard output carries the protocol: a stray line there would break it.
    { error: complain, warn: complain, info: () => {}, log: () => {} },
  );
  let shutDown = false;
  createServer(overStream(rpc), ownCore(), {
    onShutdown: () => {
      shutDown = true;
    },
    onExit: () => process.exit(shutDown ? 0 : 1),
    watchParent: (pid) => watchParent(pid),
  });
  rpc.onClose(() => process.exit(shutDown ? 0 : 1));
  rpc.listen();
}

function complain(message: string): void {
  process.stderr.write(`${message}\n`);
}

function overStream(rpc: MessageConnection): Connection {
  return {
    onRequest: (method, handler) => {
      const answer: GenericRequestHandler<unknown, unknown> = async (params: unknown, token: CancellationToken) => {
        try {
          // jsonrpc hands over untyped parameters; the method's own handler knows their shape.
          return await handler(params as never, token);
        } catch (error) {
          if (error instanceof RequestFailure) return new ResponseError<unknown>(error.code, error.message, error.data);
          throw error;
        }
      };
      rpc.onRequest(method, answer);
    },
    onNotification: (method, handler) => {
      rpc.onNotification(method, (params) => handler(params as never));
    },
    sendRequest: (method, params) => rpc.sendRequest(method, params),
    sendNotification: (method, params) => {
      // A client that is gone cannot be told anything; the close handler ends the process.
      rpc.sendNotification(method, params).catch(() => {});
    },
  };
}

/** An editor that crashed leaves its servers behind unless they look after it themselves. */
function watchParent(pid: number): void {
  const timer = setInterval(() => {
    try {
      process.kill(pid, 0);
    } catch {
      process.exit(1);
    }
  }, PARENT_CHECK_MILLISECONDS);
  timer.unref();
}
