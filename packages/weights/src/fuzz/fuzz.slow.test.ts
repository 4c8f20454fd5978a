import { expectThorough, fuzz } from './fuzz.test.util.js';

/** The full number in the nightly workflow (DSKD_FULL_FUZZ=1), a tenth elsewhere. */
const FILES = process.env.DSKD_FULL_FUZZ === '1' ? 100_000 : 10_000;

test(`${FILES} mutated files are read or refused with a DskdError, in limited time and memory`, () => {
  fuzz(2, 2000);
  gc!();
  const before = process.memoryUsage().rss;
  const report = fuzz(3, FILES);
  gc!();
  const growth = process.memoryUsage().rss - before;
  console.log({ ...report, growthMiB: Math.round(growth / 2 ** 20) });
  expectThorough(report);
  expect(growth).toBeLessThan(128 * 2 ** 20);
}, 1_200_000);
