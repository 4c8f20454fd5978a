import '@tensorflow/tfjs';
import { useBackend } from '@dskd/test-support';
import { killSavingProcesses } from './killed-writers.test.util.js';

test('a process that is killed while it saves leaves the older or the newer model and checkpoint', async () => {
  await useBackend('cpu');
  const report = await killSavingProcesses(5);
  expect(report).toMatchObject({ kills: 5, loaded: 10 });
});
