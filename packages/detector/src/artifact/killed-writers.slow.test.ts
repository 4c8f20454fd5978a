import '@tensorflow/tfjs';
import { useBackend } from '@dskd/test-support';
import { killSavingProcesses } from './killed-writers.test.util.js';

/** All of them in the nightly workflow (DSKD_FULL_FUZZ=1), fewer elsewhere. */
const KILLS = process.env.DSKD_FULL_FUZZ === '1' ? 120 : 12;

test(`${KILLS} kills at random moments lose nothing older`, async () => {
  await useBackend('cpu');
  const report = await killSavingProcesses(KILLS);
  console.log(JSON.stringify(report));
  expect(report.loaded).toBe(2 * report.kills);
  expect(report.kills).toBeGreaterThanOrEqual(KILLS);
  // Kills that hit no write would prove nothing.
  expect(report.inTheMiddle.model).toBeGreaterThan(KILLS / 6);
  expect(report.inTheMiddle.checkpoint).toBeGreaterThan(KILLS / 6);
});
