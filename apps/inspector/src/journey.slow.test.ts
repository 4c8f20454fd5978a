import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { auroc } from '@dskd/metrics';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { drawTrays, isFaulty } from './images.test.util.js';
import {
  buildPage,
  describeInChromium,
  downloaded,
  drop,
  idle,
  INSPECT_DROP,
  GOOD_DROP,
  inspectedScores,
  learn,
  openPage,
  servePage,
  startBrowser,
  type DroppedFile,
  type Site,
} from './page.test.util.js';

/** Tasks of the main thread longer than this make a page feel stuck. */
const LONGEST_TASK_MS = 200;
const DSKD = fileURLToPath(new URL('../../../packages/cli/bin/dskd.js', import.meta.url));

/** Scores of images by the command line. */
async function scoresOfCommandLine(model: string, images: readonly string[]): Promise<number[]> {
  const args = [DSKD, 'predict', model, ...images, '--backend', 'wasm', '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26 });
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly score?: number });
  return lines.flatMap(({ score }) => (score === undefined ? [] : [score]));
}

// One visit, from the first image to work without a network; each test goes on where the one before it stopped.
describeInChromium('a visit', () => {
  let browser: Browser;
  let context: BrowserContext;
  let site: Site;
  let page: Page;
  let errors: readonly string[];
  let folder: string;
  let requestsOfStart: number;
  let images: { readonly learned: DroppedFile[]; readonly inspected: DroppedFile[] };
  /** Scores in the page by name, after the first inspection. */
  let scores: ReadonlyMap<string, number>;
  /** Five of the inspected images as files. */
  let files: string[];

  beforeAll(async () => {
    buildPage();
    folder = await mkdtemp(path.join(tmpdir(), 'dskd-inspector-'));
    images = await drawTrays({ good: 40, other: 60 });
    const some = images.inspected.filter((_, index) => index % 12 === 0);
    files = some.map(({ name }) => path.join(folder, name));
    for (const [index, { bytes }] of some.entries()) await writeFile(files[index]!, bytes);
    site = await servePage();
    browser = await startBrowser();
    context = await browser.newContext();
    ({ page, errors } = await openPage(context, site));
    await page.evaluate(async () => {
      await navigator.serviceWorker.ready;
    });
    requestsOfStart = site.requests.length;
  });
  afterAll(async () => {
    await browser.close();
    await site.close();
    await rm(folder, { recursive: true, force: true });
  });

  const scoreOf = (name: string): number => scores.get(name)!;

  test('40 good trays are learned in 20 s; of 60 others AUROC is at least .9; the page is never stuck', async () => {
    await page.evaluate(() => {
      const tasks: number[] = [];
      Object.assign(globalThis, { longTasks: tasks });
      new PerformanceObserver((list) => {
        tasks.push(...list.getEntries().map(({ duration }) => duration));
      }).observe({ type: 'longtask' });
    });
    await drop(page, GOOD_DROP, images.learned);
    await page.waitForSelector('#good-count[data-count="40"]');
    await idle(page);
    const seconds = await learn(page);
    console.log(`learned 40 images in ${seconds.toFixed(1)} s`);
    expect(seconds).toBeLessThan(20);

    await drop(page, INSPECT_DROP, images.inspected);
    await page.waitForSelector('#verdict');
    await idle(page);
    scores = await inspectedScores(page);
    expect(scores.size).toBe(60);
    const labels = [...scores.keys()].map((name) => (isFaulty(name) ? 1 : 0));
    const area = auroc([...scores.values()], labels);
    console.log(`AUROC ${area.toFixed(3)}`);
    expect(area).toBeGreaterThanOrEqual(0.9);

    const longTasks = await page.evaluate(
      () => (globalThis as unknown as { readonly longTasks: readonly number[] }).longTasks,
    );
    console.log(`longest task of the main thread: ${Math.max(0, ...longTasks).toFixed(0)} ms`);
    expect(longTasks.filter((duration) => duration > LONGEST_TASK_MS)).toEqual([]);
  });

  test('the open image has regions with sizes, a heat map of each branch, and the nearest good patch', async () => {
    await page.waitForSelector('.picture canvas');
    expect(await page.locator('.layers input').count()).toBeGreaterThanOrEqual(4);
    const [first] = await page.locator('.regions > li p').allInnerTexts();
    expect(first).toMatch(/^Region 1: \d+ × \d+ px, area [\d,]+ px, score [\d.]+$/);
    const [nearest] = await page.locator('.nearest').all();
    expect(await nearest!.locator('canvas').count()).toBe(2);
    expect(await nearest!.innerText()).toMatch(/Nearest good patch: train-good-\d+\.png, distance/);
  });

  test('the slider moves the threshold: fewer are anomalous, and at its end none', async () => {
    const before = Number(await page.getAttribute('#counts', 'data-anomalous'));
    expect(before).toBeGreaterThan(0);
    const slider = page.locator('#threshold');
    const chosen = await slider.inputValue();
    await slider.press('End');
    expect(await page.getAttribute('#counts', 'data-anomalous')).toBe('0');
    await slider.fill(chosen);
    expect(Number(await page.getAttribute('#counts', 'data-anomalous'))).toBe(before);
  });

  test('the downloaded model has the same scores on the command line', async () => {
    const model = path.join(folder, 'page.safetensors');
    await writeFile(model, await downloaded(page, '#download-model'));
    const got = await scoresOfCommandLine(model, files);
    const wanted = files.map((file) => scoreOf(path.basename(file)));
    console.log(`command line ${got.join(' ')}\npage         ${wanted.join(' ')}`);
    for (const [index, score] of got.entries()) expect(Math.abs(score - wanted[index]!)).toBeLessThan(1e-4);
  });

  test('the downloaded ONNX file has them, too', async () => {
    const model = path.join(folder, 'page.onnx');
    await writeFile(model, await downloaded(page, '#download-onnx'));
    const got = await scoresOfCommandLine(model, files);
    const differences = got.map((score, index) => Math.abs(score - scoreOf(path.basename(files[index]!))));
    expect(differences).toHaveLength(files.length);
    expect(Math.max(...differences)).toBeLessThan(1e-3);
  });

  test('the report is one HTML file that shows the images', async () => {
    const text = (await downloaded(page, '#download-report')).toString();
    expect(text).toMatch(/^<!doctype html>/);
    expect(text).toContain(path.basename(files[0]!));
    expect(text.match(/data:image\/webp/g)!.length).toBeGreaterThan(100);
    expect(text).not.toContain('<script');
  });

  test('"this is good" takes a false alarm away, and can be undone', async () => {
    const [id] = [...scores].filter(([name]) => !isFaulty(name)).reduce((a, b) => (b[1] > a[1] ? b : a));
    await page.click(`#results [data-id="${id}"]`);
    await page.waitForSelector(`.detail[data-id="${id}"] .picture`);
    await page.click('#is-good');
    await page.waitForFunction(() => document.querySelector('#message')?.textContent.includes('Learned.'));
    await idle(page);
    const after = (await inspectedScores(page)).get(id)!;
    console.log(`${id}: ${scoreOf(id)} -> ${after}`);
    expect(after).toBeLessThan(scoreOf(id) - 0.5);
    await page.click('text=Undo the last lesson');
    await page.waitForFunction(() => document.querySelector('#message')?.textContent.includes('undone'));
    await idle(page);
    expect((await inspectedScores(page)).get(id)).toBeCloseTo(scoreOf(id), 5);
  });

  test('a model that the command line trained opens: the same scores; a file that is no model is refused', async () => {
    const good = path.join(folder, 'good');
    await mkdir(good);
    for (const { name, bytes } of images.learned.slice(0, 8)) await writeFile(path.join(good, name), bytes);
    const model = path.join(folder, 'trained elsewhere.safetensors');
    const args = ['train', '--data', good, '--out', model, '--size', '64', '--backend', 'wasm'];
    await promisify(execFile)(process.execPath, [DSKD, ...args]);
    await page.setInputFiles('#model-file', files[0]!);
    await page.waitForSelector('#message.error');
    await page.setInputFiles('#model-file', model);
    await page.waitForFunction(() =>
      document.querySelector('#model-facts')?.textContent.includes('trained elsewhere'),
    );
    await page.waitForSelector('.task');
    await idle(page);
    const got = await inspectedScores(page);
    const wanted = await scoresOfCommandLine(model, files);
    for (const [index, score] of wanted.entries()) {
      expect(Math.abs(got.get(path.basename(files[index]!))! - score)).toBeLessThan(1e-4);
    }
  });

  test('after the page was loaded nothing was requested', () => {
    // The browser itself asks whether there is a newer service worker.
    const requests = site.requests.slice(requestsOfStart).filter((path) => path !== '/sw.js');
    expect(requests).toEqual([]);
    expect(errors).toEqual([]);
  });

  test('without a network a reload opens the page, the model and inspects: the same scores', async () => {
    await context.setOffline(true);
    await site.close();
    await page.reload();
    await page.waitForSelector('#compute');
    await page.click('#saved-models li button');
    await page.waitForSelector('#model-facts');
    await page.setInputFiles('#inspect-files', files);
    await page.waitForSelector('#verdict');
    await idle(page);
    const again = await inspectedScores(page);
    expect(again.size).toBe(files.length);
    for (const [name, score] of again) expect(Math.abs(score - scoreOf(name))).toBeLessThan(1e-4);
    expect(errors).toEqual([]);
  });
});
