import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { DskdError } from '@dskd/base';
import type { ServerApp } from './http/app.js';

export interface ListenOptions {
  /** Default 8080; 0 takes any that is free. */
  readonly port?: number;
  /** Address that is listened on. Default 127.0.0.1: this machine only. `0.0.0.0` is all of a container. */
  readonly host?: string;
  /** Longest time that `close` waits for requests that were accepted, in milliseconds. Default 25,000. */
  readonly graceMs?: number;
}

/** A server that listens. */
export interface RunningServer {
  readonly host: string;
  readonly port: number;
  /** `http://127.0.0.1:8080` */
  readonly url: string;
  /**
   * Takes no more connections, finishes the requests that were accepted, and ends the application. The models are left to their
   * owner.
   */
  close(): Promise<void>;
}

/** The head of a request must have arrived by then; slow clients are dropped. */
const HEAD_MS = 10_000;
/** Between requests on one connection: longer than most load balancers keep theirs, so that they end it, not the server. */
const IDLE_MS = 65_000;
/** How often late connections are looked for. */
const CHECK_MS = 1000;

async function listening(server: Server, port: number, host: string): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        new DskdError('invalid-argument', `Cannot listen on ${host}, port ${port}: ${cause.message}.`, {
          hint: 'Choose another port or host; 0 takes a port that is free.',
          details: { host, port, reason: cause.code },
          cause,
        }),
      ),
    );
    server.listen(port, host, resolve);
  });
  return server.address() as AddressInfo;
}

/**
 * Listens for requests to an application.
 * @throws {DskdError} `invalid-argument` where the port is taken or the host is not one of this machine.
 */
export async function listen(
  server: ServerApp,
  { port = 8080, host = '127.0.0.1', graceMs = 25_000 }: ListenOptions = {},
): Promise<RunningServer> {
  const http = createAdaptorServer({
    fetch: server.app.fetch,
    overrideGlobalObjects: false,
    serverOptions: {
      headersTimeout: HEAD_MS,
      keepAliveTimeout: IDLE_MS,
      connectionsCheckingInterval: CHECK_MS,
      // Bodies have a limit of their own, of which the client is told.
      requestTimeout: 0,
    },
  }) as Server;
  const address = await listening(http, port, host);
  const shown = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    server.drain();
    const ended = new Promise<void>((resolve) => http.close(() => resolve()));
    const force = setTimeout(() => http.closeAllConnections(), graceMs);
    await ended;
    clearTimeout(force);
    await server.close();
  };
  return {
    host: address.address,
    port: address.port,
    url: `http://${shown}:${address.port}`,
    close: () => (closed ??= close()),
  };
}
