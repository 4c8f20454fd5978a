import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromiumMissing } from '@dskd/test-support';
import { withChromium, type BrowserPage } from './chromium.test.util.js';
import { panelSide } from './gallery-collector.js';
import type { GalleryImage } from './gallery-collector.js';
import { madeUpEvaluation, madeUpHistory } from './made-up.test.util.js';
import { photo, photosMissing, realisticPanels, scene } from './realistic-gallery.test.util.js';
import { renderReport } from './render-report.js';

if (chromiumMissing) console.log(`SKIPPED pages in Chromium: ${chromiumMissing}`);
if (photosMissing) console.log(`SKIPPED the size of a page of photographs: ${photosMissing}`);

const SCALE = { low: 3.4, threshold: 5 };
const evaluation = madeUpEvaluation({
  good: 100,
  anomalous: 100,
  types: ['missing_plug', 'scratch', 'swapped_count', 'a type with quite a long name, as people give them'],
  subsets: ['logical_anomalies', 'structural_anomalies'],
  nameOf: (label, type, index) => `test/${type}/${label}_${'0123456789'.repeat(8)}_${index}.png`,
});

/** The first `count` images with the largest panels that the gallery allows. */
async function galleryOf(
  count: number,
  load: (label: string, index: number) => Promise<Parameters<typeof realisticPanels>[0]>,
): Promise<GalleryImage[]> {
  const step = evaluation.samples.length / count;
  const chosen = evaluation.samples.filter((_, index) => Math.floor(index % step) === 0);
  const gallery: GalleryImage[] = [];
  for (const [index, sample] of chosen.entries()) {
    const image = await load(sample.label, index);
    const images = await realisticPanels(image, sample, { scale: SCALE, side: panelSide(count) });
    gallery.push({ ...sample, group: index < count / 2 ? 'First' : 'Second', images });
  }
  return gallery;
}

const pageOf = (gallery: readonly GalleryImage[]): string =>
  renderReport({
    title: 'tray: evaluation of a detector with a name that is long enough to need two lines on a telephone',
    subtitle: 'Two students, teacher teacher-tiny, 128 x 128 pixels.',
    evaluation,
    gallery,
    heatScale: SCALE,
    training: madeUpHistory,
    calibration: {
      scores: evaluation.samples.filter(({ label }) => label === 'good').map(({ score }) => score),
      threshold: 5,
      falseAlarmRate: 0.05,
      guaranteed: true,
      images: 'held-out',
    },
    facts: [
      { label: 'Command', value: `dskd evaluate model.safetensors --data '/a/${'long/'.repeat(30)}path'` },
      { label: 'Data fingerprint', value: '9f86d081884c7d65'.repeat(4) },
      { label: 'Versions', value: 'dskd 0.1.0\nnode v20.20.2' },
    ],
  });

const VIEWS = [
  [1440, 'light'],
  [1440, 'dark'],
  [390, 'light'],
  [390, 'dark'],
] as const;

async function load(page: BrowserPage, file: string): Promise<void> {
  await page.send('Page.navigate', { url: pathToFileURL(file).href });
  const ready = `document.readyState === 'complete' && document.querySelector('footer') !== null`;
  while ((await page.evaluate(ready)) !== true) await new Promise((resolve) => setTimeout(resolve, 100));
}

async function screenshot(page: BrowserPage, file: string): Promise<void> {
  const { data } = (await page.send('Page.captureScreenshot', {
    format: 'png',
    captureBeyondViewport: true,
  })) as { data: string };
  await writeFile(file, data, 'base64');
}

(chromiumMissing ? test.skip : test)(
  'in Chromium: nothing is wider than the page, no console messages, no requests',
  async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'dskd-report-'));
    const file = path.join(folder, 'report <&> "quotes".html');
    await writeFile(file, pageOf(await galleryOf(4, (label, index) => Promise.resolve(scene(label, index)))));
    await withChromium(async (page) => {
      for (const [width, scheme] of VIEWS) {
        await page.send('Emulation.setDeviceMetricsOverride', {
          width,
          height: 900,
          deviceScaleFactor: 1,
          mobile: width < 500,
        });
        const features = [{ name: 'prefers-color-scheme', value: scheme }];
        await page.send('Emulation.setEmulatedMedia', { features });
        await load(page, file);
        await page.evaluate(`document.querySelectorAll('details').forEach((each) => (each.open = true))`);
        const [content, viewport] = (await page.evaluate(
          '[document.documentElement.scrollWidth, innerWidth]',
        )) as [number, number];
        expect(content).toBeLessThanOrEqual(width);
        expect(viewport).toBe(width);
        // The style sheet and the images comply with the page's content security policy.
        expect(await page.evaluate(`getComputedStyle(document.body).backgroundColor`)).toBe(
          scheme === 'light' ? 'rgb(246, 247, 249)' : 'rgb(20, 23, 28)',
        );
        expect(
          await page.evaluate(
            `[...document.images].filter((image) => !image.complete || image.naturalWidth === 0).length`,
          ),
        ).toBe(0);
        // Every scrolling area has a name and can be reached by keyboard.
        expect(
          await page.evaluate(
            `[...document.querySelectorAll('.scroll')].filter((each) => each.tabIndex !== 0 || !each.ariaLabel).length`,
          ),
        ).toBe(0);
        await screenshot(page, path.join(folder, `${width}-${scheme}.png`));
      }
      const paper = { width: 718, height: 1047, deviceScaleFactor: 1, mobile: false };
      await page.send('Emulation.setDeviceMetricsOverride', paper);
      await page.send('Emulation.setEmulatedMedia', { media: 'print' });
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(paper.width);
      const details = `[...document.querySelectorAll('details table')].every((each) => each.checkVisibility())`;
      await page.evaluate(`document.querySelectorAll('details').forEach((each) => (each.open = false))`);
      expect(await page.evaluate(details)).toBe(true);
      const { data } = (await page.send('Page.printToPDF')) as { data: string };
      await writeFile(path.join(folder, 'print.pdf'), data, 'base64');
      const complaints = page.events.filter(({ method }) =>
        /Log\.entryAdded|exceptionThrown|consoleAPI/.test(method),
      );
      expect(complaints).toEqual([]);
      const requests = page.events
        .filter(({ method }) => method === 'Network.requestWillBeSent')
        .map(({ params }) => (params.request as { url: string }).url.slice(0, 5));
      expect(new Set(requests)).toEqual(new Set(['file:', 'data:']));
    });
    console.log(`look at ${folder}`);
  },
);

test.each([
  ['drawn scenes', undefined, (label: string, index: number) => Promise.resolve(scene(label, index))],
  [
    'photographs of parts',
    photosMissing,
    (label: string, index: number) => photo(index % 2 === 0 ? 'bottle' : 'transistor', label, index),
  ],
] as const)('200 images fit into 5 MB: %s', async (name, missing, load) => {
  if (missing !== undefined) return;
  const bytes = Buffer.byteLength(pageOf(await galleryOf(200, load)));
  console.log(`200 images, ${name}: ${(bytes / 1e6).toFixed(2)} MB`);
  expect(bytes).toBeLessThan(5e6);
});
