import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const CHROMIUM = '/usr/bin/chromium';
const packages = fileURLToPath(new URL('../../../', import.meta.url));

/** Why there is no browser to test with, if there is none. */
export const chromiumMissing = existsSync(CHROMIUM) ? undefined : `there is no ${CHROMIUM}`;

/**
 * Runs a module in a page of headless Chromium.
 * @param script may import `@dskd/base` and `@dskd/data/web`, fetch `files` from `/files/NAME`, and calls
 * `finish(value)` with what can be told as JSON.
 * @throws where the script throws or takes longer than a minute.
 */
export async function runInChromium(
  script: string,
  files: Readonly<Record<string, Uint8Array>>,
): Promise<unknown> {
  const page = `<!doctype html><script type="importmap">{"imports": {
      "@dskd/base": "/packages/base/dist/index.js",
      "@dskd/data/web": "/packages/data/dist/web.js"
    }}</script><script type="module">
      const post = (body) => fetch('/done', { method: 'POST', body: JSON.stringify(body) });
      const finish = (value) => post({ value });
      addEventListener('error', ({ message }) => post({ error: message }));
      addEventListener('unhandledrejection', ({ reason }) => post({ error: String(reason?.stack ?? reason) }));
      ${script}
    </script>`;
  let done!: (answer: { value?: unknown; error?: string }) => void;
  const answered = new Promise<{ value?: unknown; error?: string }>((resolve) => (done = resolve));
  const server = createServer((request, response) => {
    const url = decodeURIComponent(request.url ?? '/');
    if (request.method === 'POST') {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        response.end();
        done(JSON.parse(Buffer.concat(parts).toString()) as { value?: unknown; error?: string });
      });
    } else if (url === '/') {
      response.setHeader('content-type', 'text/html').end(page);
    } else if (url.startsWith('/files/')) {
      response.end(files[url.slice('/files/'.length)]);
    } else if (url.startsWith('/packages/') && url.endsWith('.js') && !url.includes('..')) {
      readFile(path.join(packages, url.slice('/packages/'.length))).then(
        (code) => response.setHeader('content-type', 'text/javascript').end(code),
        () => response.writeHead(404).end(),
      );
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const profile = await mkdtemp(path.join(tmpdir(), 'dskd-chromium-'));
  const { port } = server.address() as AddressInfo;
  const browser = spawn(
    CHROMIUM,
    [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--no-first-run',
      `--user-data-dir=${profile}`,
      `http://127.0.0.1:${port}/`,
    ],
    { stdio: 'ignore' },
  );
  const ended = new Promise<void>((resolve) => browser.once('close', () => resolve()));
  const timer = setTimeout(() => done({ error: 'the page did not finish within a minute' }), 60_000);
  browser.once('error', (error) => done({ error: error.message }));
  try {
    const { value, error } = await answered;
    if (error !== undefined) throw new Error(error);
    return value;
  } finally {
    clearTimeout(timer);
    browser.kill('SIGKILL');
    await ended;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}
