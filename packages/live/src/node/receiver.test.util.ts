import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A receiver of webhooks that can be down, on a port that stays the same. */
export class Receiver {
  /** Ids of the alarms that it took, in the order in which they came, by the header. */
  readonly ids: string[] = [];
  /** Ids of all requests. */
  readonly asked: string[] = [];
  /** The status with which it answers the request for an id. */
  answer: (id: string) => number = () => 204;
  #server: Server | undefined;
  #port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}/alarms`;
  }

  async up(): Promise<void> {
    const server = createServer((request, response) => {
      const id = String(request.headers['idempotency-key']);
      const status = this.answer(id);
      this.asked.push(id);
      if (status < 300) this.ids.push(id);
      request.resume().once('end', () => response.writeHead(status).end());
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
  }

  async down(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}
