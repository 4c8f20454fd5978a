import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { servePage } from './commands/studio/serve-page.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd-studio-'));
  await writeFile(path.join(folder, 'index.html'), '<!doctype html><title>page</title>');
  await writeFile(path.join(folder, 'a.wasm'), 'x');
});
afterAll(() => rm(folder, { recursive: true }));

test('serves the page and its files, isolated from other pages, and nothing outside of its folder', async () => {
  const server = await servePage({ port: 0, folder });
  try {
    const page = await fetch(server.url);
    expect(await page.text()).toContain('<title>page</title>');
    expect(page.headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(page.headers.get('cross-origin-embedder-policy')).toBe('require-corp');
    expect((await fetch(`${server.url}a.wasm`)).headers.get('content-type')).toBe('application/wasm');
    expect((await fetch(`${server.url}none`)).status).toBe(404);
    expect((await fetch(`${server.url}..%2f..%2fetc%2fpasswd`)).status).toBe(404);
    const port = Number(new URL(server.url).port);
    await expect(servePage({ port, folder })).rejects.toMatchObject({
      code: 'invalid-argument',
      message: `Got the port ${port}: another program has it; wanted a free one.`,
    });
  } finally {
    await server.close();
  }
});

test('a page that is not built is an error that says so', async () => {
  await expect(servePage({ port: 0, folder: path.join(folder, 'none') })).rejects.toMatchObject({
    code: 'file-not-found',
  });
});
