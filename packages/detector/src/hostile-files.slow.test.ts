import * as tf from '@tensorflow/tfjs';
import { useBackend } from '@dskd/test-support';
import { damagedFiles } from './damaged-files.test.util.js';

test('5 x 4000 damaged files are refused by name or work', async () => {
  await useBackend('wasm');
  const before = tf.memory().numTensors;
  const outcomes = await damagedFiles(4000);
  console.log(JSON.stringify(outcomes, null, 2));
  expect(tf.memory().numTensors).toBe(before);
});
