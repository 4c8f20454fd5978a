import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { encodeImage } from '@dskd/data/node';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
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
  PAGE,
  servePage,
  startBrowser,
  type DroppedFile,
  type Site,
} from './page.test.util.js';

/** Bytes, compressed by gzip, that are transferred before the first image is inspected. */
const SIZE_LIMIT = 2.5e6;

describeInChromium('the page', () => {
  let browser: Browser;
  let site: Site;
  let trays: { readonly learned: DroppedFile[]; readonly inspected: DroppedFile[] };
  beforeAll(async () => {
    buildPage();
    trays = await drawTrays({ good: 8, other: 6, size: 128 });
    site = await servePage();
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await site.close();
  });

  async function learnTrays(page: Page): Promise<void> {
    await drop(page, GOOD_DROP, trays.learned);
    await page.waitForSelector(`#good-count[data-count="${trays.learned.length}"]`);
    await idle(page);
    await learn(page);
  }

  async function inspectTrays(page: Page): Promise<Map<string, number>> {
    await drop(page, INSPECT_DROP, trays.inspected);
    await page.waitForSelector('#verdict');
    await idle(page);
    return inspectedScores(page);
  }

  async function closePage(page: Page): Promise<void> {
    await page.context().close();
  }

  /** At three widths in both color schemes, into the folder that DSKD_SCREENSHOTS names, if it does. */
  async function writeScreenshots(page: Page): Promise<void> {
    const folder = process.env.DSKD_SCREENSHOTS;
    if (folder === undefined) return;
    await page.addStyleTag({ content: '.status { display: none }' });
    for (const scheme of ['light', 'dark']) {
      await page.selectOption('#scheme', scheme);
      for (const width of [390, 1024, 1920]) {
        await page.setViewportSize({ width, height: 1000 });
        await page.screenshot({ path: path.join(folder, `${scheme}-${width}.png`), fullPage: true });
      }
    }
  }

  test('page, worker, wasm and teacher are at most 2.5 MB before the first image', async () => {
    const context = await browser.newContext({ serviceWorkers: 'block' });
    const own = await servePage();
    try {
      const { page } = await openPage(context, own);
      await learnTrays(page);
      await inspectTrays(page);
      await closePage(page);
    } finally {
      await own.close();
    }
    const files = [...new Set(own.requests.map((request) => (request === '/' ? '/index.html' : request)))];
    const sizes = files
      .filter((file) => file !== '/sw.js')
      .map((file) => gzipSync(readFileSync(path.join(PAGE, file)), { level: 9 }).byteLength);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    console.log(`${sizes.length} files, ${total} bytes`);
    expect(files).toContainEqual(expect.stringMatching(/teacher-tiny.*\.safetensors$/));
    expect(files).toContainEqual(expect.stringMatching(/\.wasm$/));
    expect(total).toBeLessThan(SIZE_LIMIT);
  });

  test('text, a broken JPEG, an empty file and HEIC are named, a duplicate is marked; the rest is learned; an image is pasted', async () => {
    const { page, errors } = await openPage(await browser.newContext(), site);
    const rest = readFileSync(path.join(PAGE, 'index.html'));
    const broken = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16]), rest.subarray(0, 100)]);
    const heic = Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypheic\0\0\0\0mif1heic')]);
    await drop(page, GOOD_DROP, [
      ...trays.learned,
      { name: 'copy.png', bytes: trays.learned[0]!.bytes },
      { name: 'notes.txt', bytes: Buffer.from('not an image') },
      { name: 'broken.jpg', bytes: broken },
      { name: 'empty.png', bytes: new Uint8Array() },
      { name: 'phone.heic', bytes: heic },
    ]);
    await page.waitForSelector('.problems li:nth-child(4)');
    await idle(page);
    const problems = await page.locator('.problems li').allInnerTexts();
    console.log(problems.join('\n'));
    expect(problems).toEqual([
      'broken.jpg: the JPEG file is incomplete.',
      'empty.png: the file is empty.',
      'notes.txt: its format (text) is not supported; PNG, JPEG, WebP and BMP are.',
      expect.stringMatching(/^phone\.heic: its format \(HEIF.*\) is not supported/),
    ]);
    for (const language of ['de', 'ja']) {
      await page.selectOption('#language', language);
      const translated = await page.locator('.problems li').allInnerTexts();
      expect(translated).toHaveLength(problems.length);
      expect(translated.filter((text) => problems.includes(text))).toEqual([]);
    }
    await page.selectOption('#language', 'en');
    const badge = page.locator('.duplicate .badge');
    expect(await badge.innerText()).toMatch(/^same pixels as /);
    expect(await badge.evaluate((element) => element.scrollWidth - element.clientWidth)).toBeLessThanOrEqual(
      0,
    );
    expect(await page.getAttribute('#good-count', 'data-count')).toBe(String(trays.learned.length));
    expect(await page.locator('.tile.duplicate').count()).toBe(1);
    await learn(page);
    await drop(page, INSPECT_DROP, [{ name: 'notes.txt', bytes: Buffer.from('text') }, trays.inspected[0]!]);
    await page.waitForSelector('#verdict');
    await idle(page);
    expect((await inspectedScores(page)).size).toBe(1);

    await page.evaluate((base64) => {
      const clipboardData = new DataTransfer();
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      clipboardData.items.add(new File([bytes], 'pasted.png'));
      document.dispatchEvent(new ClipboardEvent('paste', { clipboardData }));
    }, Buffer.from(trays.inspected[1]!.bytes).toString('base64'));
    await page.waitForSelector('#results [data-id="pasted.png"]:enabled');
    await idle(page);
    expect((await inspectedScores(page)).size).toBe(2);
    expect(errors).toEqual([]);
    await closePage(page);
  });

  test('an area that is drawn with the mouse or moved with the keyboard does not count: no branch sees what is in it', async () => {
    const { page } = await openPage(await browser.newContext(), site);
    const size = { width: 128, height: 128, channels: 3 };
    const plain = (index: number, mark: number): Uint8Array => {
      const data = Uint8Array.from({ length: 128 * 128 * 3 }, (_, i) => 90 + ((i * 7 + index * 13) % 29));
      for (let y = 0; y < 12; y++) data.fill(mark, y * 128 * 3, (y * 128 + 12) * 3);
      return data;
    };
    const good = await Promise.all(
      Array.from({ length: 8 }, async (_, index) => ({
        name: `${index}.png`,
        bytes: await encodeImage({ ...size, data: plain(index, 100) }),
      })),
    );
    const marked = { name: 'marked.png', bytes: await encodeImage({ ...size, data: plain(9, 255) }) };
    const unmarked = { name: 'unmarked.png', bytes: await encodeImage({ ...size, data: plain(9, 100) }) };
    await drop(page, GOOD_DROP, good);
    await page.waitForSelector('#good-count[data-count="8"]');
    await idle(page);
    await learn(page);
    await drop(page, INSPECT_DROP, [marked, unmarked]);
    await page.waitForSelector('#verdict');
    await idle(page);
    const open = await inspectedScores(page);

    await page.click('.areas-editor summary');
    await page.waitForFunction(() => document.querySelector<HTMLImageElement>('#areas img')?.complete);
    await page.locator('#areas').scrollIntoViewIfNeeded();
    const box = (await page.locator('#areas').boundingBox())!;
    await page.mouse.move(box.x + 2, box.y + 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, box.y + box.height * 0.6, { steps: 4 });
    await page.mouse.up();
    await page.waitForSelector('button.area');
    await page.focus('button.area');
    const width = async (): Promise<number> => (await page.locator('button.area').boundingBox())!.width;
    const before = await width();
    await page.keyboard.press('Shift+ArrowRight');
    expect(await width()).toBeGreaterThan(before);
    const drawn = await page.getAttribute('button.area', 'style');
    expect(drawn).toMatch(/left: 0%; top: 0%; width: 6[\d.]+%; height: [56][\d.]+%/);
    await learn(page);
    await page.waitForSelector('.detail[data-id="marked.png"] .picture');
    await idle(page);
    const ignoring = await inspectedScores(page);
    console.log('with a mark and without', ...open.values(), 'in an ignored area', ...ignoring.values());
    expect(open.get('marked.png')).toBeGreaterThan(open.get('unmarked.png')! + 1);
    expect(ignoring.get('marked.png')).toBe(ignoring.get('unmarked.png'));
    await page.focus('button.area');
    await page.keyboard.press('Delete');
    expect(await page.locator('button.area').count()).toBe(0);
    await closePage(page);
  });

  test('dskd nano shows its loss while it trains, can be canceled, and then changes nothing', async () => {
    const { page } = await openPage(await browser.newContext(), site);
    await drop(page, GOOD_DROP, trays.learned);
    await page.waitForSelector(`#good-count[data-count="${trays.learned.length}"]`);
    await idle(page);
    await page.selectOption('#method', 'dskd');
    await page.fill('#epochs', '200');
    await page.click('#learn');
    await page.waitForSelector('.loss[data-steps]');
    await page.click('.task button');
    await page.waitForFunction(() => document.querySelector('#message')?.textContent.startsWith('Canceled'));
    expect(await page.locator('#model-facts').count()).toBe(0);
    await page.fill('#epochs', '2');
    await learn(page);
    expect(await page.innerText('#model-facts')).toContain('dskd');
    expect(Number(await page.getAttribute('.loss', 'data-steps'))).toBeGreaterThan(1);
    expect((await inspectTrays(page)).size).toBe(trays.inspected.length);
    await closePage(page);
  });

  test('axe finds nothing serious in either scheme; the keyboard works; three languages; no width from 390 to 1920 px scrolls sideways', async () => {
    const { page } = await openPage(await browser.newContext(), site);
    const findings = async (): Promise<string[]> => {
      const violations = await page.evaluate(
        async (): Promise<{ id: string; impact?: string; nodes: { html: string }[] }[]> => {
          const { axe } = globalThis as unknown as {
            readonly axe: {
              run(): Promise<{ violations: { id: string; impact?: string; nodes: { html: string }[] }[] }>;
            };
          };
          return (await axe.run()).violations;
        },
      );
      return violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, nodes }) => `${id}: ${nodes[0]!.html}`);
    };
    await page.evaluate(axe.source);
    expect(await findings()).toEqual([]);
    await learnTrays(page);
    await inspectTrays(page);
    await page.waitForSelector('.picture canvas');
    for (const scheme of ['light', 'dark']) {
      await page.selectOption('#scheme', scheme);
      expect(await findings()).toEqual([]);
    }
    await page.focus('#good-files');
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('INPUT');
    const tile = page.locator('#results button').nth(3);
    await tile.focus();
    await page.keyboard.press('Enter');
    expect(await tile.getAttribute('aria-pressed')).toBe('true');

    const titles: string[] = [];
    for (const language of ['de', 'ja', 'en']) {
      await page.selectOption('#language', language);
      titles.push(await page.innerText('h1'));
      expect(await page.getAttribute('html', 'lang')).toBe(language);
      expect(await page.innerText('body')).not.toMatch(/\{\{|undefined/);
      for (const width of [390, 768, 1280, 1920]) {
        await page.setViewportSize({ width, height: 900 });
        const inside = await page.evaluate(() => document.documentElement.scrollWidth);
        expect({ language, width: inside }).toEqual({ language, width });
      }
    }
    expect(new Set(titles).size).toBe(3);
    await closePage(page);
  });

  test('a name may have any letter; a model that is removed is gone', async () => {
    const { page } = await openPage(await browser.newContext(), site);
    await page.fill('#model-name', 'Teil 7/b „links“ 部品');
    await learnTrays(page);
    await page.reload();
    await page.waitForSelector('#saved-models');
    expect(await page.locator('#saved-models li').allInnerTexts()).toEqual([
      expect.stringContaining('Teil 7/b „links“ 部品'),
    ]);
    await page.click('#saved-models .remove');
    await page.waitForSelector('#saved-models', { state: 'detached' });
    await closePage(page);
  });

  test('the example gives a verdict within a minute of opening, and a report with metrics', async () => {
    const started = performance.now();
    const { page, errors } = await openPage(await browser.newContext(), site);
    await page.click('#try-example');
    await page.waitForSelector('#verdict');
    const seconds = (performance.now() - started) / 1000;
    console.log(`first verdict ${seconds.toFixed(1)} s after opening`);
    expect(seconds).toBeLessThan(60);
    await idle(page);
    await page.waitForSelector('.picture canvas');
    await writeScreenshots(page);
    const report = (await downloaded(page, '#download-report')).toString();
    expect(report).toContain('id="metrics"');
    expect(errors).toEqual([]);
    await closePage(page);
  });
});
