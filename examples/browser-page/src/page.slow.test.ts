import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromiumMissing, startChromium } from '@dskd/test-support';
import { loadDetector, trainDetector } from 'dskd';

const EXAMPLE = fileURLToPath(new URL('..', import.meta.url));
const SIDE = 48;

if (chromiumMissing) console.log(`SKIPPED the bundled page in Chromium: ${chromiumMissing}`);

function image(noise: number): { data: Uint8Array; width: number; height: number; channels: number } {
  const data = new Uint8Array(SIDE * SIDE * 3).map((_, i) => 100 + ((i * 37 + noise * 101) % 99));
  return { data, width: SIDE, height: SIDE, channels: 3 };
}

let folder: string;
beforeEach(() => {
  // Below the example, so that Vite finds the packages.
  folder = mkdtempSync(path.join(EXAMPLE, 'page-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Every file that Vite wrote, as text or bytes, by its address. */
function bundle(root: string): Map<string, Buffer> {
  const out = path.join(folder, 'bundle');
  const vite = path.join(EXAMPLE, '../../node_modules/.bin/vite');
  // In a process of its own: Rolldown's native code refuses objects that come from jest's context.
  execFileSync(vite, ['build', root, '--logLevel', 'error', '--target', 'es2022', '--outDir', out]);
  const files = readdirSync(out, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files.map((entry) => {
      const file = path.join(entry.parentPath, entry.name);
      return [`/${path.relative(out, file)}`, readFileSync(file)];
    }),
  );
}

test("the page is type-checked with a bundler's module resolution", () => {
  const tsc = path.join(EXAMPLE, '../../node_modules/.bin/tsc');
  execFileSync(tsc, ['-p', 'page'], { cwd: EXAMPLE });
});

test('Vite bundles it: nothing of Node is left in it, and each .wasm file is there', () => {
  const files = bundle(EXAMPLE);
  const scripts = [...files].filter(([name]) => name.endsWith('.js'));
  expect(scripts.length).toBeGreaterThan(0);
  for (const [, code] of scripts) expect(code.toString()).not.toMatch(/(from|import\()\s*["']node:/);
  const wasm = [...files.keys()].filter((name) => name.endsWith('.wasm'));
  for (const variant of ['-', '-simd-', '-threaded-simd-']) {
    expect(
      wasm.filter((name) => new RegExp(`/tfjs-backend-wasm${variant}[^-]+\\.wasm$`).test(name)),
    ).toHaveLength(1);
  }
});

(chromiumMissing ? test.skip : test)('bundled, it gives the scores that Node gives', async () => {
  const good = Array.from({ length: 6 }, (_, index) => image(index));
  using detector = await trainDetector(good, { input: { size: [64, 64] }, backend: 'wasm' });
  const model = detector.toBytes();
  using loaded = await loadDetector(model, { backend: 'wasm' });
  const wanted = await loaded.predict(image(100));

  writeFileSync(
    path.join(folder, 'index.html'),
    '<!doctype html><script type="module" src="./main.js"></script>',
  );
  writeFileSync(
    path.join(folder, 'main.js'),
    `import { loadDetector } from 'dskd';
     const done = (body) => fetch('/done', { method: 'POST', body: JSON.stringify(body) });
     try {
       const detector = await loadDetector('/model.safetensors', { backend: 'wasm' });
       const data = new Uint8ClampedArray(${SIDE * SIDE * 4});
       for (let i = 0; i < ${SIDE * SIDE}; i++) {
         for (let c = 0; c < 3; c++) data[i * 4 + c] = 100 + (((i * 3 + c) * 37 + 100 * 101) % 99);
         data[i * 4 + 3] = 255;
       }
       const pixels = new ImageData(data, ${SIDE}, ${SIDE});
       const bitmap = await createImageBitmap(pixels);
       const canvas = new OffscreenCanvas(${SIDE}, ${SIDE});
       canvas.getContext('2d').putImageData(pixels, 0, 0);
       const file = new File([await canvas.convertToBlob({ type: 'image/png' })], 'new.png');
       const many = await detector.predict([pixels, bitmap, file]);
       done({ scores: many.map(({ score }) => score), verdicts: many.map(({ verdict }) => verdict) });
     } catch (error) {
       done({ error: String(error.stack ?? error) });
     }`,
  );
  const files = bundle(folder);
  let finish!: (answer: unknown) => void;
  const answered = new Promise<unknown>((resolve) => (finish = resolve));
  const types: Record<string, string> = {
    '.html': 'text/html',
    '.js': 'text/javascript',
    '.wasm': 'application/wasm',
  };
  const server = createServer((request, response) => {
    const url = request.url === '/' ? '/index.html' : (request.url ?? '');
    if (request.method === 'POST') {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        response.end();
        finish(JSON.parse(Buffer.concat(parts).toString()));
      });
      return;
    }
    const body = url === '/model.safetensors' ? model : files.get(url);
    if (!body) response.writeHead(404).end();
    else response.setHeader('content-type', types[path.extname(url)] ?? 'application/octet-stream').end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const browser = await startChromium([`http://127.0.0.1:${port}/`], 'ignore');
  const timer = setTimeout(() => finish({ error: 'the page did not finish' }), 120_000);
  try {
    const answer = (await answered) as { readonly scores: number[]; readonly verdicts: string[] };
    expect(answer).toEqual({ scores: expect.any(Array) as unknown, verdicts: Array(3).fill(wanted.verdict) });
    for (const score of answer.scores) expect(score).toBeCloseTo(wanted.score, 3);
  } finally {
    clearTimeout(timer);
    await browser.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});
