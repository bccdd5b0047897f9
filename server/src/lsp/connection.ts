/** One end of a JSON-RPC connection: over stdio with any editor, or in memory with our own command line. */
export interface Connection {
  onRequest<P, R>(method: string, handler: (params: P, cancellation: Cancellation) => R | Promise<R>): void;
  onNotification<P>(method: string, handler: (params: P) => void): void;
  sendRequest<R>(method: string, params: unknown): Promise<R>;
  sendNotification(method: string, params: unknown): void;
}

export interface Cancellation {
  readonly isCancellationRequested: boolean;
}

/** Codes of LSP that a request may be answered with instead of a result. */
export const codes = {
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  contentModified: -32801,
  serverCancelled: -32802,
  requestCancelled: -32800,
} as const;

/** Thrown by a request handler to answer with an error. */
export class RequestFailure extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly data?: unknown,
  ) {
    super(message);
  }
}

type Handler = (params: never, cancellation: Cancellation) => unknown;

const NEVER_CANCELLED: Cancellation = { isCancellationRequested: false };

/**
 * Two ends of a connection inside one process. Messages are handed over as objects, in order and without being
 * serialised: neither side may change what it sent or got.
 */
export function connectInMemory(): { readonly client: Connection; readonly server: Connection } {
  const client = new MemoryEnd();
  const server = new MemoryEnd();
  client.peer = server;
  server.peer = client;
  return { client, server };
}

class MemoryEnd implements Connection {
  peer: MemoryEnd | undefined;
  private readonly requests = new Map<string, Handler>();
  private readonly notifications = new Map<string, Handler>();

  onRequest<P, R>(method: string, handler: (params: P, cancellation: Cancellation) => R | Promise<R>): void {
    this.requests.set(method, handler);
  }

  onNotification<P>(method: string, handler: (params: P) => void): void {
    this.notifications.set(method, handler);
  }

  async sendRequest<R>(method: string, params: unknown): Promise<R> {
    const handler = this.peer?.requests.get(method);
    if (!handler) throw new RequestFailure(codes.methodNotFound, `${method} is not answered here.`);
    return (await handler(params as never, NEVER_CANCELLED)) as R;
  }

  sendNotification(method: string, params: unknown): void {
    this.peer?.notifications.get(method)?.(params as never, NEVER_CANCELLED);
  }
}
