import { execFileSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromiumMissing } from '@dskd/test-support';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import sirv from 'sirv';

const APP = fileURLToPath(new URL('..', import.meta.url));
/** The built page. */
export const PAGE = path.join(APP, 'dist/page');

if (chromiumMissing) console.log(`SKIPPED the inspector in Chromium: ${chromiumMissing}`);

/** `describe`, skipped without Chromium; the reason is printed. */
export const describeInChromium = chromiumMissing ? describe.skip : describe;

/** Builds the page as it is shipped. In a process of its own: Rolldown's native code refuses objects of jest's context. */
export function buildPage(): void {
  const vite = createRequire(import.meta.url).resolve('vite/package.json');
  execFileSync(process.execPath, [path.join(vite, '../bin/vite.js'), 'build', '--logLevel', 'error'], {
    cwd: APP,
    // jest says `test`, which Vite would build for.
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: 'pipe',
    timeout: 60_000,
  });
}

export interface Site {
  readonly url: string;
  /** Paths of all requests so far, in order. */
  readonly requests: string[];
  close(): Promise<void>;
}

/** Serves the built page. */
export async function servePage({ isolated = true } = {}): Promise<Site> {
  const files = sirv(PAGE, {
    setHeaders: (response) => {
      if (!isolated) return;
      response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
      response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    },
  });
  const requests: string[] = [];
  const server: Server = createServer((request, response) => {
    requests.push(request.url ?? '');
    files(request, response, () => void response.writeHead(404).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    requests,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Milliseconds after which a step of a test has failed: on a busy machine the longest takes a quarter of it. */
export const PATIENCE_MS = 90_000;

/** Starts Debian's Chromium. */
export function startBrowser(args: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage', ...args],
  });
}

/** Errors that the page did not catch: a test wants none. */
export function collectErrors(page: Page): string[] {
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (line) => {
    if (line.type() === 'error') errors.push(line.text());
  });
  return errors;
}

/** Opens the page and waits until it computes. */
export async function openPage(
  context: Browser | BrowserContext,
  site: Site,
  query = '',
): Promise<{ readonly page: Page; readonly errors: readonly string[] }> {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const errors = collectErrors(page);
  await page.goto(`${site.url}${query}`);
  await page.waitForSelector('#compute');
  return { page, errors };
}

/** Places to drop files on. */
export const GOOD_DROP = '[aria-labelledby=good-heading] .drop';
export const INSPECT_DROP = '[aria-labelledby=inspect-heading] .drop';

export interface DroppedFile {
  /** May be a path: `good/0.png`. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Drops files on an element, as from a file manager. */
export async function drop(page: Page, selector: string, files: readonly DroppedFile[]): Promise<void> {
  const data = files.map(({ name, bytes }) => ({ name, base64: Buffer.from(bytes).toString('base64') }));
  const transfer = await page.evaluateHandle((dropped) => {
    const transfer = new DataTransfer();
    for (const { name, base64 } of dropped) {
      transfer.items.add(new File([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], name));
    }
    return transfer;
  }, data);
  await page.dispatchEvent(selector, 'drop', { dataTransfer: transfer });
}

/** Drags a file or a folder of this machine over an element and drops it there, as the mouse does. */
export async function dropFromDisk(page: Page, selector: string, files: readonly string[]): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const place = page.locator(selector);
  await place.scrollIntoViewIfNeeded();
  const box = (await place.boundingBox())!;
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await session.send('Input.dispatchDragEvent', {
      type,
      x: box.x + box.width / 2,
      y: box.y + box.height / 2,
      data: { items: [], files: [...files], dragOperationsMask: 1 },
    });
  }
  await session.detach();
}

/** Waits until the page does nothing. */
export async function idle(page: Page, timeout = PATIENCE_MS): Promise<void> {
  await page.waitForFunction(() => document.querySelector('.task') === null, undefined, { timeout });
}

/** Learns what was dropped. @returns seconds from the press of the button to the message. */
export async function learn(page: Page, timeout = PATIENCE_MS): Promise<number> {
  const started = performance.now();
  await page.click('#learn');
  await page.waitForSelector('#model-facts', { timeout });
  await idle(page, timeout);
  return (performance.now() - started) / 1000;
}

/** Text of a file that the page gives to the user when a button is pressed. */
export async function downloaded(page: Page, button: string): Promise<Buffer> {
  const [file] = await Promise.all([
    page.waitForEvent('download', { timeout: PATIENCE_MS }),
    page.click(button),
  ]);
  const parts: Buffer[] = [];
  for await (const part of await file.createReadStream()) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** Scores by image of the page's CSV. */
export async function inspectedScores(page: Page): Promise<Map<string, number>> {
  const text = (await downloaded(page, '#download-csv')).toString();
  const rows = text.trim().split('\n').slice(1);
  return new Map(rows.map((row) => [row.split(',')[0]!, Number(row.split(',')[2])]));
}
