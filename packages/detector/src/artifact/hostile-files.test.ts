import * as tf from '@tensorflow/tfjs';
import { useBackend } from '@dskd/test-support';
import { damagedFiles } from './damaged-files.test.util.js';

test('a damaged file is refused by name or works; nothing else, and no tensor stays', async () => {
  await useBackend('wasm');
  const before = tf.memory().numTensors;
  const outcomes = await damagedFiles(150);
  expect(tf.memory().numTensors).toBe(before);
  for (const { accepted, refused } of Object.values(outcomes)) {
    expect(Object.keys(refused).length).toBeGreaterThan(1);
    // Damage that changes nothing that matters: the test would be blind if all were refused.
    expect(accepted).toBeGreaterThan(0);
  }
});
