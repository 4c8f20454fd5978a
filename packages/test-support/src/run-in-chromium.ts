import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startChromium } from './chromium.js';

const packages = fileURLToPath(new URL('../../', import.meta.url));
const PATIENCE_MS = 120_000;

export interface PageOptions {
  /** Built modules, for example `data/dist/web.js` in `packages`, by the name under which the script imports them. */
  readonly imports?: Readonly<Record<string, string>>;
  /** Files that the server returns at `/files/NAME`. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
}

export interface PageResult {
  /** The argument of `finish`. */
  readonly value: unknown;
  /** What the page requested besides itself and `files`: modules in `packages`, and addresses that do not exist. */
  readonly modules: readonly string[];
}

interface Answer {
  readonly value?: unknown;
  readonly error?: string;
}

/**
 * Runs a module in a page of headless Chromium, served by a local server.
 * @param script calls `finish(value)` with a JSON-serializable value.
 * @throws if the script throws or takes longer than two minutes.
 */
export async function runInChromium(
  script: string,
  { imports = {}, files = {} }: PageOptions = {},
): Promise<PageResult> {
  const map = Object.fromEntries(Object.entries(imports).map(([name, file]) => [name, `/packages/${file}`]));
  const page = `<!doctype html><script type="importmap">${JSON.stringify({ imports: map })}</script>
    <script type="module">
      const post = (body) => fetch('/done', { method: 'POST', body: JSON.stringify(body) });
      const finish = (value) => post({ value });
      addEventListener('error', ({ message }) => post({ error: message }));
      addEventListener('unhandledrejection', ({ reason }) => post({ error: String(reason?.stack ?? reason) }));
      ${script}
    </script>`;
  const modules: string[] = [];
  let done!: (answer: Answer) => void;
  const answered = new Promise<Answer>((resolve) => (done = resolve));
  const server = createServer((request, response) => {
    const url = decodeURIComponent(request.url ?? '/');
    if (request.method === 'POST') {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        response.end();
        done(JSON.parse(Buffer.concat(parts).toString()) as Answer);
      });
    } else if (url === '/') {
      response.setHeader('content-type', 'text/html').end(page);
    } else if (url.startsWith('/files/')) {
      response.end(files[url.slice('/files/'.length)]);
    } else if (url.startsWith('/packages/') && url.endsWith('.js') && !url.includes('..')) {
      const file = url.slice('/packages/'.length);
      modules.push(file);
      readFile(path.join(packages, file)).then(
        (code) => response.setHeader('content-type', 'text/javascript').end(code),
        () => response.writeHead(404).end(),
      );
    } else {
      if (url !== '/favicon.ico') modules.push(url);
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const browser = await startChromium([`http://127.0.0.1:${port}/`], 'ignore');
  const timer = setTimeout(() => done({ error: 'the page did not finish within two minutes' }), PATIENCE_MS);
  browser.process.once('error', (error) => done({ error: error.message }));
  try {
    const { value, error } = await answered;
    if (error !== undefined) throw new Error(error);
    return { value, modules };
  } finally {
    clearTimeout(timer);
    await browser.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}
