import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { DskdError } from '@dskd/base';
import sirv from 'sirv';

/** The built page of apps/inspector, as `npm run build` copies it into this package. */
const PAGE = fileURLToPath(new URL('../../page', import.meta.url));

/** Isolates the page from other pages, so that wasm may use threads; nothing but itself may be loaded. */
const HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'X-Content-Type-Options': 'nosniff',
};

export interface PageServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves the page on this machine alone.
 * @param folder of the built page. Default: the one in this package.
 * @throws {DskdError} `file-not-found` where the page is not built; `invalid-argument` where the port is taken.
 */
export async function servePage({
  port,
  folder = PAGE,
}: {
  readonly port: number;
  readonly folder?: string;
}): Promise<PageServer> {
  if (!existsSync(path.join(folder, 'index.html'))) {
    throw new DskdError('file-not-found', `There is no page in ${folder}; wanted the built inspector.`, {
      hint: 'The published package has it. In a clone of the repository run npm run build.',
    });
  }
  const files = sirv(folder, {
    setHeaders: (response) => {
      for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    },
  });
  const server = createServer((request, response) => {
    files(request, response, () => void response.writeHead(404).end());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen(port, error)));
    // On localhost a browser takes the page for safe, as with HTTPS: camera, storage and service worker work.
    server.listen(port, 'localhost', resolve);
  });
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function cannotListen(port: number, error: NodeJS.ErrnoException): DskdError {
  const reason = error.code === 'EADDRINUSE' ? 'another program has it' : error.message;
  return new DskdError('invalid-argument', `Got the port ${port}: ${reason}; wanted a free one.`, {
    hint: 'Give another one, or 0 for any that is free.',
    cause: error,
  });
}
