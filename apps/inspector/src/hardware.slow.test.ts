import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { drawTrays } from './images.test.util.js';
import {
  buildPage,
  describeInChromium,
  downloaded,
  drop,
  GOOD_DROP,
  idle,
  INSPECT_DROP,
  inspectedScores,
  learn,
  openPage,
  servePage,
  startBrowser,
  type DroppedFile,
  type Site,
} from './page.test.util.js';

/** SwiftShader gives WebGPU without a graphics card. */
const SOFTWARE_WEBGPU = [
  '--enable-unsafe-webgpu',
  '--enable-features=Vulkan',
  '--use-webgpu-adapter=swiftshader',
  '--use-vulkan=swiftshader',
];
/** Without the variable a sample of what it asks for: minutes each. */
const full = process.env.DSKD_LONG_GATES !== undefined;
const CAMERA_S = full ? 60 : 6;
const LARGE_IMAGES = full ? 200 : 6;
const MINUTES_MS = 590_000;
/** Of the whole browser. */
const MOST_BYTES = 1.5e9;

/** Memory of a process in bytes, without what it shares with others; 0 of one that has ended. */
function residentOf(pid: number): number {
  try {
    const [, resident, shared] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ').map(Number);
    return (resident! - shared!) * 4096;
  } catch {
    return 0;
  }
}

/** Ids of all processes below one. One that has just ended has none. */
function descendants(pid: number): number[] {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const children = threads.flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
    return children.flatMap((child) => [child, ...descendants(child)]);
  } catch {
    return [];
  }
}

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
}

/** Memory of all browsers that this process started. */
function browserBytes(): number {
  return descendants(process.pid).reduce((sum, pid) => sum + residentOf(pid), 0);
}

/**
 * The same image with other pixels: the first entries of its quantization table, whose coefficients no image lacks, are a
 * little larger, by the digits of the index to the base 4.
 */
function varied(jpeg: Uint8Array, index: number): Uint8Array {
  const copy = Uint8Array.from(jpeg);
  const table = copy.findIndex((byte, at) => byte === 0xff && copy[at + 1] === 0xdb) + 5;
  for (let digit = 0, rest = index; digit < 4; digit++, rest = Math.floor(rest / 4)) {
    copy[table + digit]! += rest % 4;
  }
  return copy;
}

async function learnTrays(page: Page, images: readonly DroppedFile[]): Promise<void> {
  await drop(page, GOOD_DROP, images);
  await page.waitForSelector(`#good-count[data-count="${images.length}"]`);
  await idle(page);
  await learn(page);
}

async function inspectTrays(
  page: Page,
  images: readonly DroppedFile[],
): Promise<ReadonlyMap<string, number>> {
  await drop(page, INSPECT_DROP, images);
  await page.waitForSelector('#verdict');
  await idle(page);
  return inspectedScores(page);
}

/** Threads of an isolated page on this machine. */
const cores = Math.min(4, availableParallelism() > 2 ? availableParallelism() - 1 : availableParallelism());

describeInChromium('hardware', () => {
  let trays: { readonly learned: DroppedFile[]; readonly inspected: DroppedFile[] };
  let site: Site;
  let plain: Site;
  let browser: Browser | undefined;
  let sampling: NodeJS.Timeout | undefined;
  beforeAll(async () => {
    buildPage();
    trays = await drawTrays({ good: 8, other: 3, size: 128 });
    site = await servePage();
    plain = await servePage({ isolated: false });
  });
  afterEach(async () => {
    clearInterval(sampling);
    await browser?.close();
    browser = undefined;
  });
  afterAll(() => Promise.all([site.close(), plain.close()]));

  test('wasm with and without isolation, and WebGPU, give the same verdicts; a lost device is replaced by wasm', async () => {
    browser = await startBrowser(SOFTWARE_WEBGPU);
    const seen: Record<string, { readonly verdicts: string[]; readonly scores: number[] }> = {};
    let model: Buffer | undefined;
    const runs = [
      ['isolated', site, '?backend=wasm'],
      ['not isolated', plain, '?backend=wasm'],
      ['webgpu', site, '?backend=webgpu'],
    ] as const;
    for (const [name, where, query] of runs) {
      // A service worker would request all files, also those that this page does not load.
      const context = await browser.newContext({ serviceWorkers: 'block' });
      const { page } = await openPage(context, where, query);
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(where === site);
      expect(await page.getAttribute('#compute', 'data-backend')).toBe(query.slice('?backend='.length));
      if (name !== 'webgpu') await expectThreads(page, where, name === 'isolated' ? cores : 1);
      // On a software device a training would take minutes.
      if (name === 'webgpu') await openModel(page, model!);
      else await learnTrays(page, trays.learned);
      if (name !== 'webgpu') {
        const helped = Number(await page.getAttribute('#compute', 'data-helped'));
        if (name === 'isolated' && cores > 1) expect(helped).toBeGreaterThan(0);
        else expect(helped).toBe(0);
      }
      model ??= await downloaded(page, '#download-model');
      const scores = await inspectTrays(page, trays.inspected);
      const threshold = Number(await page.locator('#threshold').inputValue());
      seen[name] = {
        scores: [...scores.values()],
        verdicts: [...scores].map(([id, score]) => `${id} ${score > threshold ? 'anomalous' : 'good'}`),
      };
      if (name === 'webgpu') await loseDevice(page, [...scores.values()]);
      await context.close();
    }
    for (const [name, { scores }] of Object.entries(seen)) console.log(name, scores.join(' '));
    expect(seen['not isolated']).toEqual(seen.isolated);
    expect(seen.webgpu!.verdicts).toEqual(seen.isolated!.verdicts);
  });

  /**
   * The page says what computes, loaded the build of TensorFlow.js without threads alone, and started those of our own kernels: none of
   * TensorFlow.js, which would do nothing.
   */
  async function expectThreads(page: Page, { requests }: Site, threads: number): Promise<void> {
    expect(await page.innerText('#compute')).toBe(
      threads === 1 ? 'wasm, one thread' : `wasm, ${threads} threads`,
    );
    const files = new Set(requests.filter((request) => request.endsWith('.wasm')));
    expect([...files]).toEqual([expect.stringMatching(/\/tfjs-backend-wasm-simd-/)]);
    expect(page.workers()).toHaveLength(threads);
  }

  async function openModel(page: Page, buffer: Buffer): Promise<void> {
    const file = { name: 'learned.safetensors', mimeType: 'application/octet-stream', buffer };
    await page.setInputFiles('#model-file', file);
    await page.waitForSelector('#model-facts');
  }

  /** Ends the browser's process for graphics, and expects that the page goes on. */
  async function loseDevice(page: Page, before: readonly number[]): Promise<void> {
    const graphics = descendants(process.pid).filter((pid) => commandOf(pid).includes('--type=gpu-process'));
    expect(graphics.length).toBeGreaterThan(0);
    for (const pid of graphics) process.kill(pid, 'SIGKILL');
    await page.waitForSelector('#compute[data-backend="wasm"]');
    expect(await page.innerText('#message')).toContain('The graphics card was lost');
    await drop(page, INSPECT_DROP, [{ name: 'again.png', bytes: trays.inspected[0]!.bytes }]);
    await page.waitForSelector('#results [data-id="again.png"]:enabled');
    await idle(page);
    const again = (await inspectedScores(page)).get('again.png')!;
    expect(Math.abs(again - before[0]!)).toBeLessThan(0.05);
  }

  test('the threaded build of TensorFlow.js still computes with one thread, so that the page is right not to load it', async () => {
    const folderOf = (name: string): string =>
      path.dirname(createRequire(import.meta.url).resolve(`@tensorflow/${name}/package.json`));
    browser = await startBrowser();
    // Its requests would not come by the route below.
    const context = await browser.newContext({ serviceWorkers: 'block' });
    const page = await context.newPage();
    const loaded: string[] = [];
    await page.route('**/wasm-out/*', (route) => {
      const file = path.basename(new URL(route.request().url()).pathname);
      loaded.push(file);
      return route.fulfill({ path: path.join(folderOf('tfjs-backend-wasm'), 'wasm-out', file) });
    });
    await page.goto(site.url);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    await page.addScriptTag({ path: path.join(folderOf('tfjs-core'), 'dist/tf-core.min.js') });
    await page.addScriptTag({
      path: path.join(folderOf('tfjs-backend-wasm'), 'dist/tf-backend-wasm.min.js'),
    });
    const threads = await page.evaluate(async () => {
      const { tf } = globalThis as unknown as {
        readonly tf: {
          setBackend(name: string): Promise<boolean>;
          readonly wasm: {
            setWasmPaths(folder: string): void;
            setThreadsCount(count: number): void;
            getThreadsCount(): number;
          };
        };
      };
      tf.wasm.setWasmPaths('/wasm-out/');
      tf.wasm.setThreadsCount(4);
      await tf.setBackend('wasm');
      return tf.wasm.getThreadsCount();
    });
    expect(loaded).toEqual(['tfjs-backend-wasm-threaded-simd.wasm']);
    expect(threads).toBe(1);
  });

  test(`the camera is inspected for ${CAMERA_S} s at 5 frames a second at least, in steady memory`, async () => {
    browser = await startBrowser(['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']);
    const { page, errors } = await openPage(await browser.newContext(), site);
    await page.click('#camera-start');
    for (let shot = 1; shot <= 10; shot++) {
      await page.waitForTimeout(150);
      await page.click('#camera-shot');
      await page.waitForSelector(`#good-count[data-count="${shot}"]`);
      await idle(page);
    }
    await learn(page);
    await page.check('#camera-live');
    await page.waitForSelector('.live[data-rate]');
    await page.waitForTimeout(3000);
    const before = browserBytes();
    const rates: number[] = [];
    for (let second = 0; second < CAMERA_S; second++) {
      await page.waitForTimeout(1000);
      rates.push(Number(await page.getAttribute('.live', 'data-rate')));
    }
    const growth = browserBytes() - before;
    const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
    console.log(
      `${CAMERA_S} s: ${mean.toFixed(1)} frames/s, memory grew by ${(growth / 2 ** 20).toFixed(0)} MiB`,
    );
    expect(mean).toBeGreaterThanOrEqual(5);
    // Garbage comes and goes; a frame that is kept would be 1.2 MB each.
    expect(growth).toBeLessThan(150 * 2 ** 20);
    await page.uncheck('#camera-live');
    await page.waitForSelector('.live', { state: 'detached' });
    await page.click('#camera-stop');
    expect(errors).toEqual([]);
  });

  test(`${LARGE_IMAGES} images of 12 MP are learned in less than 1.5 GB`, async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'dskd-large-'));
    try {
      const { learned } = await drawTrays({ good: 1, other: 0 });
      const jpeg = await sharp(learned[0]!.bytes).resize(4000, 3000, { fit: 'fill' }).jpeg().toBuffer();
      const files = Array.from({ length: LARGE_IMAGES }, (_, index) => path.join(folder, `${index}.jpg`));
      for (const [index, file] of files.entries()) await writeFile(file, varied(jpeg, index));
      browser = await startBrowser();
      const { page, errors } = await openPage(await browser.newContext(), site);
      let most = 0;
      sampling = setInterval(() => (most = Math.max(most, browserBytes())), 250);
      await page.setInputFiles('#good-files', files);
      await page.waitForSelector(`#good-count[data-count="${LARGE_IMAGES}"]`, { timeout: MINUTES_MS });
      await idle(page, MINUTES_MS);
      const seconds = await learn(page, MINUTES_MS);
      clearInterval(sampling);
      console.log(
        `${LARGE_IMAGES} images of 12 MP: learned in ${seconds.toFixed(0)} s, at most ${(most / 1e6).toFixed(0)} MB`,
      );
      expect(most).toBeGreaterThan(1e8);
      expect(most).toBeLessThan(MOST_BYTES);
      expect(errors).toEqual([]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
