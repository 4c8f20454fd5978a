import { expectThorough, fuzz } from './fuzz.test.util.js';

test('100,000 mutated files read or are refused by a DskdError, in bounded time and memory', () => {
  fuzz(2, 2000);
  gc!();
  const before = process.memoryUsage().rss;
  const report = fuzz(3, 100_000);
  gc!();
  const growth = process.memoryUsage().rss - before;
  console.log({ ...report, growthMiB: Math.round(growth / 2 ** 20) });
  expectThorough(report);
  expect(growth).toBeLessThan(128 * 2 ** 20);
}, 1_200_000);
