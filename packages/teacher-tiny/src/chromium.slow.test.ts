import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { teacherTiny } from './node.js';

const CHROMIUM = '/usr/bin/chromium';
const missing = existsSync(CHROMIUM) ? undefined : `there is no ${CHROMIUM}`;
if (missing) console.log(`SKIPPED the embedded teacher in Chromium: ${missing}`);

const folder = fileURLToPath(new URL('../', import.meta.url));

/** Loads the teacher as a page does, and tells its hash and every address it fetched. */
const PAGE = `<!doctype html><script type="module">
  const tell = (body) => fetch('/done', { method: 'POST', body: JSON.stringify(body) });
  try {
    const { teacherTiny } = await import('/dist/browser.js');
    const teacher = teacherTiny();
    const bytes = await teacher.load();
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
    const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
    await tell({ name: teacher.name, claimed: teacher.sha256, sha256 });
  } catch (error) {
    await tell({ error: String(error) });
  }
</script>`;

async function load(): Promise<{ answer: unknown; asked: string[] }> {
  const asked: string[] = [];
  let done!: (answer: unknown) => void;
  const answered = new Promise<unknown>((resolve) => (done = resolve));
  const server = createServer((request, response) => {
    const url = request.url ?? '/';
    if (request.method === 'POST') {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      request.on('end', () => {
        response.end();
        done(JSON.parse(body));
      });
    } else if (url === '/') {
      response.setHeader('content-type', 'text/html').end(PAGE);
    } else if (/^\/dist\/[\w-]+\.js$/.test(url)) {
      asked.push(url);
      void readFile(path.join(folder, url)).then((code) =>
        response.setHeader('content-type', 'text/javascript').end(code),
      );
    } else {
      if (url !== '/favicon.ico') asked.push(url);
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const profile = await mkdtemp(path.join(tmpdir(), 'dskd-chromium-'));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const flags = [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--no-first-run',
  ];
  const browser = spawn(CHROMIUM, [...flags, `--user-data-dir=${profile}`, address], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => browser.once('close', () => resolve()));
  const timer = setTimeout(() => done({ error: 'the page did not finish within two minutes' }), 120_000);
  try {
    return { answer: await answered, asked };
  } finally {
    clearTimeout(timer);
    browser.kill('SIGKILL');
    await ended;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

(missing ? test.skip : test)('in Chromium it is the same file, of modules alone', async () => {
  await promisify(execFile)(process.execPath, [path.join(folder, 'embed.mjs')]);
  const { name, sha256 } = teacherTiny();
  const { answer, asked } = await load();
  expect(answer).toEqual({ name, claimed: sha256, sha256 });
  expect(asked.sort()).toEqual([
    '/dist/browser.js',
    '/dist/from-base64.js',
    '/dist/sha256.js',
    '/dist/weights-base64.js',
  ]);
});
