import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface LocalServer {
  readonly url: string;
  /** Headers of all requests. */
  readonly requests: IncomingHttpHeaders[];
  close(): Promise<void>;
}

export type Answer = (response: ServerResponse, headers: IncomingHttpHeaders) => void;

/** Starts a server on a free port. The n-th request gets the n-th answer; later requests get the last one. */
export async function serve(...answers: [Answer, ...Answer[]]): Promise<LocalServer> {
  const requests: IncomingHttpHeaders[] = [];
  const server = createServer(({ headers }, response) => {
    requests.push(headers);
    const answer = answers[Math.min(requests.length, answers.length) - 1]!;
    answer(response, headers);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Answers like a correct server, with Range and If-Range. */
export function file(content: Buffer, { etag }: { readonly etag?: string } = {}): Answer {
  return (response, headers) => {
    if (etag !== undefined) response.setHeader('etag', etag);
    const start = /^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1];
    const changed = headers['if-range'] !== undefined && headers['if-range'] !== etag;
    if (start === undefined || changed) {
      response.setHeader('content-length', content.byteLength);
      response.end(content);
    } else if (Number(start) >= content.byteLength) {
      response.writeHead(416, { 'content-range': `bytes */${content.byteLength}` }).end();
    } else {
      const rest = content.subarray(Number(start));
      response.writeHead(206, {
        'content-range': `bytes ${start}-${content.byteLength - 1}/${content.byteLength}`,
        'content-length': rest.byteLength,
      });
      response.end(rest);
    }
  };
}

/** Announces `length` bytes, sends `content`, and breaks the connection after the client has read it. */
export function cutOff(content: Buffer, length: number, etag?: string): Answer {
  return (response) => {
    if (etag !== undefined) response.setHeader('etag', etag);
    response.setHeader('content-length', length);
    response.write(content, () => setTimeout(() => response.destroy(), 150));
  };
}

/** Announces `length` bytes, sends `content`, and keeps the connection open. */
export function stall(content: Buffer, length: number, etag?: string): Answer {
  return (response) => {
    if (etag !== undefined) response.setHeader('etag', etag);
    response.setHeader('content-length', length);
    response.write(content);
  };
}

export function status(code: number): Answer {
  return (response) => {
    response.writeHead(code).end('this is not the file');
  };
}
