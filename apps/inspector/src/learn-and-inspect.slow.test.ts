import { auroc } from '@dskd/metrics';
import type { Browser } from 'playwright-core';
import { drawTrays, isFaulty } from './images.test.util.js';
import {
  buildPage,
  describeInChromium,
  drop,
  idle,
  learn,
  openPage,
  scoresOf,
  servePage,
  startBrowser,
  type Site,
} from './page.test.util.js';

/** Tasks of the main thread longer than this make a page feel stuck. */
const LONGEST_TASK_MS = 200;

describeInChromium('learn and inspect', () => {
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

  test('40 good trays are learned in 20 s at 128 px; of 60 others AUROC is at least .9; the page is never stuck', async () => {
    const { learned, inspected } = await drawTrays({ good: 40, other: 60 });
    const { page, errors } = await openPage(browser, site);
    await page.evaluate(() => {
      const tasks: number[] = [];
      Object.assign(globalThis, { longTasks: tasks });
      new PerformanceObserver((list) => {
        tasks.push(...list.getEntries().map(({ duration }) => duration));
      }).observe({ type: 'longtask' });
    });
    await drop(page, '[aria-labelledby=good-heading] .drop', learned);
    await page.waitForSelector('#good-count[data-count="40"]');
    await idle(page);
    const seconds = await learn(page);
    console.log(`learned 40 images in ${seconds.toFixed(1)} s`);
    expect(seconds).toBeLessThan(20);

    await drop(page, '[aria-labelledby=inspect-heading] .drop', inspected);
    await page.waitForSelector('#verdict', { timeout: 120_000 });
    await idle(page);
    const scores = [...(await scoresOf(page))];
    expect(scores).toHaveLength(60);
    const area = auroc(
      scores.map(([, score]) => score),
      scores.map(([name]) => (isFaulty(name) ? 1 : 0)),
    );
    console.log(`AUROC ${area.toFixed(3)}`);
    expect(area).toBeGreaterThanOrEqual(0.9);

    const longTasks = await page.evaluate(
      () => (globalThis as unknown as { readonly longTasks: readonly number[] }).longTasks,
    );
    console.log(`longest task of the main thread: ${Math.max(0, ...longTasks).toFixed(0)} ms`);
    expect(longTasks.filter((duration) => duration > LONGEST_TASK_MS)).toEqual([]);
    expect(errors).toEqual([]);
    await page.close();
  });
});
