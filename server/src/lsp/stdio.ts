import {
  type CancellationToken,
  createConnection,
  type InitializeParams,
  type Connection as LanguageServerConnection,
  ResponseError,
  type WatchDog,
} from 'vscode-languageserver';
import {
  createProtocolConnection,
  IPCMessageReader,
  IPCMessageWriter,
  type MessageReader,
  type MessageWriter,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-languageserver-protocol/node';
import { type Connection, RequestFailure } from './connection';

/** How often to look whether the editor that started us is still there, in milliseconds. */
const PARENT_CHECK_MILLISECONDS = 3000;

/** Puts the server on a connection. Handed in, so that this module needs the library alone and can be loaded by itself. */
export type Start = (connection: Connection) => void;

/** Runs the language server on standard input and output until the editor ends it. */
export function serveStdio(start: Start): void {
  serve(start, new StreamMessageReader(process.stdin), new StreamMessageWriter(process.stdout));
}

/** Runs it on the channel of a parent Node process, as VS Code's client starts servers. */
export function serveIpc(start: Start): void {
  process.on('disconnect', () => process.exit(1));
  serve(start, new IPCMessageReader(process), new IPCMessageWriter(process));
}

/** The library's part that is the same everywhere, on transports of ours: its Node part can start programs, which we never do. */
function serve(start: Start, reader: MessageReader, writer: MessageWriter): void {
  const watchDog = new ParentWatch();
  const connection = createConnection(() => createProtocolConnection(reader, writer, SILENT), watchDog);
  start(overLibrary(connection));
  reader.onClose(() => watchDog.exit(watchDog.shutdownReceived ? 0 : 1));
  connection.listen();
}

/** Standard output carries the protocol: a stray line there would break it. */
const SILENT = { error: complain, warn: complain, info: () => {}, log: () => {} };

function complain(message: string): void {
  process.stderr.write(`${message}\n`);
}

/** The library's connection as the server uses it; the messages of the life cycle have handlers of their own there. */
function overLibrary(connection: LanguageServerConnection): Connection {
  return {
    onRequest: (method, handler) => {
      const answer = async (params: unknown, token: CancellationToken): Promise<unknown> => {
        try {
          // The library hands over untyped parameters; the method's own handler knows their shape.
          return await handler(params as never, token);
        } catch (error) {
          if (error instanceof RequestFailure) return new ResponseError<unknown>(error.code, error.message, error.data);
          throw error;
        }
      };
      if (method === 'initialize') {
        connection.onInitialize((params: InitializeParams, token) => answer(params, token) as never);
      } else if (method === 'shutdown') connection.onShutdown((token) => answer(undefined, token) as never);
      else connection.onRequest(method, answer);
    },
    onNotification: (method, handler) => {
      connection.onNotification(method, (params: unknown) => handler(params as never));
    },
    sendRequest: (method, params) => connection.sendRequest(method, params),
    sendNotification: (method, params) => {
      // A client that is gone cannot be told anything; the close handler ends the process.
      connection.sendNotification(method, params).catch(() => {});
    },
  };
}

/** An editor that crashed leaves its servers behind unless they look after it themselves. */
class ParentWatch implements WatchDog {
  shutdownReceived = false;

  initialize({ processId }: InitializeParams): void {
    if (processId === null) return;
    const timer = setInterval(() => {
      try {
        process.kill(processId, 0);
      } catch {
        this.exit(1);
      }
    }, PARENT_CHECK_MILLISECONDS);
    timer.unref();
  }

  exit(code: number): void {
    process.exit(code);
  }
}
