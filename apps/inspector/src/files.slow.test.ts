import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { randomStream } from '@dskd/base';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { drawTrays } from './images.test.util.js';
import {
  buildPage,
  describeInChromium,
  drop,
  dropFromDisk,
  GOOD_DROP,
  idle,
  INSPECT_DROP,
  learn,
  openPage,
  servePage,
  startBrowser,
  type DroppedFile,
  type Site,
} from './page.test.util.js';

/** More than a browser lists of a folder at a time, which is 100. */
const IN_ONE_FOLDER = 150;
const FORMATS = ['png', 'jpeg', 'webp'] as const;

/** A small image that no other seed has. */
function imageFile(seed: number, format: (typeof FORMATS)[number]): Promise<Buffer> {
  const random = randomStream(seed, 'image');
  const data = Uint8Array.from({ length: 24 * 24 * 3 }, () => Math.floor(256 * random.uniform()));
  return sharp(data, { raw: { width: 24, height: 24, channels: 3 } })
    .toFormat(format)
    .toBuffer();
}

/** @returns paths of the images below the folder, in order. */
async function writeFolder(folder: string): Promise<string[]> {
  const images: string[] = [];
  const write = async (name: string, bytes: Uint8Array | string): Promise<void> => {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), bytes);
  };
  for (let seed = 0; seed < 200; seed++) {
    const format = FORMATS[seed % 3]!;
    const where =
      seed < IN_ONE_FOLDER ? 'parts' : ['.', 'parts/second shift', 'parts/second shift/Lager 3'][seed % 3]!;
    const name = path.posix.join('line 4', where, `${seed}.${format}`);
    images.push(name);
    await write(name, await imageFile(seed, format));
  }
  await mkdir(path.join(folder, 'line 4/empty'));
  await write('line 4/notes.txt', 'not an image');
  await write(
    'line 4/parts/phone.heic',
    Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypheic\0\0\0\0mif1heic')]),
  );
  // What systems keep beside images is no problem of the user.
  for (const name of [
    '.DS_Store',
    'parts/Thumbs.db',
    'parts/desktop.ini',
    '__MACOSX/._0.png',
    '.hidden/0.png',
  ]) {
    await write(`line 4/${name}`, 'system');
  }
  return images;
}

/** Counts how often the worker decodes a file. */
async function countDecodes(page: Page): Promise<() => Promise<number>> {
  const worker = page.workers().find((each) => each.url().includes('inspector-worker'));
  await worker!.evaluate(() => {
    const decode = self.createImageBitmap.bind(self) as (...given: unknown[]) => Promise<ImageBitmap>;
    const counted = { decodes: 0 };
    Object.assign(self, {
      counted,
      createImageBitmap: (...given: unknown[]) => {
        if (given[0] instanceof Blob) counted.decodes++;
        return decode(...given);
      },
    });
  });
  return () => worker!.evaluate(() => (self as unknown as { counted: { decodes: number } }).counted.decodes);
}

describeInChromium('files', () => {
  let browser: Browser;
  let site: Site;
  beforeAll(async () => {
    buildPage();
    site = await servePage();
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await site.close();
  });

  test('a folder with folders inside is dropped from the disk: 200 images of three formats, in the order of their paths; others are named', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'dskd-drop-'));
    try {
      const images = await writeFolder(folder);
      const { page, errors } = await openPage(await browser.newContext(), site);
      await dropFromDisk(page, GOOD_DROP, [path.join(folder, 'line 4')]);
      await page.waitForSelector('.problems li:nth-child(2)');
      await page.waitForSelector('#good-count[data-count="200"]');
      await idle(page);
      const shown = await page
        .locator('.tile')
        .evaluateAll((tiles) => tiles.map((tile) => tile.getAttribute('title')));
      const order = new Intl.Collator('en', { numeric: true });
      expect(shown).toEqual([...images].sort((a, b) => order.compare(a, b)));
      const problems = await page.locator('.problems li').allInnerTexts();
      expect(problems).toEqual([
        expect.stringMatching(/^line 4\/notes\.txt: its format \(text\) is not supported/),
        expect.stringMatching(/^line 4\/parts\/phone\.heic: its format \(HEIF/),
      ]);

      // The same folder with a file beside it; of the folder everything is a duplicate now.
      const single = path.join(folder, 'single.png');
      await writeFile(single, await imageFile(999, 'png'));
      await dropFromDisk(page, GOOD_DROP, [path.join(folder, 'line 4'), single]);
      await page.waitForSelector('#good-count[data-count="201"]');
      await idle(page);
      expect(await page.locator('.tile.duplicate').count()).toBe(200);
      expect(errors).toEqual([]);
      await page.context().close();
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('a folder is dropped on the place of inspection, too, and beside both places nothing happens', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'dskd-drop-'));
    try {
      const { learned, inspected } = await drawTrays({ good: 4, other: 3, size: 128 });
      const { page, errors } = await openPage(await browser.newContext(), site);
      await drop(page, GOOD_DROP, learned);
      await page.waitForSelector('#good-count[data-count="4"]');
      await idle(page);
      await learn(page);
      await mkdir(path.join(folder, 'deep/er'), { recursive: true });
      for (const { name, bytes } of inspected) await writeFile(path.join(folder, 'deep/er', name), bytes);
      const address = page.url();
      await dropFromDisk(page, 'h1', [path.join(folder, 'deep')]);
      await dropFromDisk(page, INSPECT_DROP, [path.join(folder, 'deep')]);
      await page.waitForSelector('#verdict');
      await idle(page);
      const ids = await page
        .locator('#results [data-id]')
        .evaluateAll((all) => all.map((each) => each.getAttribute('data-id')));
      expect(ids.sort()).toEqual(inspected.map(({ name }) => `deep/er/${name}`).sort());
      expect(page.url()).toBe(address);
      expect(await page.getAttribute('#good-count', 'data-count')).toBe('4');
      expect(errors).toEqual([]);
      await page.context().close();
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('each image is decoded once when it is looked at and once when it is learned', async () => {
    const { learned } = await drawTrays({ good: 6, other: 0, size: 128 });
    const copy: DroppedFile = { name: 'copy.png', bytes: learned[0]!.bytes };
    const { page, errors } = await openPage(await browser.newContext(), site);
    const decodes = await countDecodes(page);
    await drop(page, GOOD_DROP, [...learned, copy]);
    await page.waitForSelector('#good-count[data-count="6"]');
    await idle(page);
    expect(await decodes()).toBe(7);
    await learn(page);
    expect(await decodes()).toBe(7 + 6);
    expect(errors).toEqual([]);
    await page.context().close();
  });
});
