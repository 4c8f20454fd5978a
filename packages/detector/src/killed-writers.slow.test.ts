import '@tensorflow/tfjs';
import { useBackend } from '@dskd/test-support';
import { killSavingProcesses } from './killed-writers.test.util.js';

test('120 kills at random moments lose nothing older', async () => {
  await useBackend('cpu');
  const report = await killSavingProcesses(120);
  console.log(JSON.stringify(report));
  expect(report.loaded).toBe(240);
  // Kills that hit no write would prove nothing.
  expect(report.inTheMiddle.model).toBeGreaterThan(20);
  expect(report.inTheMiddle.checkpoint).toBeGreaterThan(20);
});
