import { createServer } from 'node:http';
import { DskdError } from '@dskd/base';
import type { LiveMetrics } from '@dskd/live/node';

/**
 * Serves `/metrics` for Prometheus and `/live`, on this machine alone.
 * @throws {DskdError} `invalid-argument` where the port is taken.
 */
export async function serveMetrics(metrics: LiveMetrics, port: number): Promise<{ close(): Promise<void> }> {
  const server = createServer((request, response) => {
    if (request.url === '/live') return void response.end('ok\n');
    if (request.url !== '/metrics') return void response.writeHead(404).end();
    metrics.text().then(
      (text) => response.setHeader('content-type', metrics.contentType).end(text),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        new DskdError('invalid-argument', `Cannot listen on port ${port}: ${cause.message}.`, {
          hint: 'Choose another port.',
          details: { port, reason: cause.code },
          cause,
        }),
      ),
    );
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
