import * as tf from '@tensorflow/tfjs';
import { useBackend } from '@dskd/test-support';
import { damagedFiles } from './damaged-files.test.util.js';

/** All of them in the nightly workflow (DSKD_FULL_FUZZ=1), a tenth elsewhere. */
const FILES = process.env.DSKD_FULL_FUZZ === '1' ? 4000 : 400;

test(`5 x ${FILES} damaged files are refused by name or work`, async () => {
  await useBackend('wasm');
  const before = tf.memory().numTensors;
  const outcomes = await damagedFiles(FILES);
  console.log(JSON.stringify(outcomes, null, 2));
  expect(tf.memory().numTensors).toBe(before);
  for (const { accepted, refused } of Object.values(outcomes)) {
    expect(Object.keys(refused).length).toBeGreaterThan(1);
    // Damage that changes nothing that matters: the test would be blind if all were refused.
    expect(accepted).toBeGreaterThan(0);
  }
});
