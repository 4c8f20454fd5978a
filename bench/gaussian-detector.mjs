// A detector without students, to judge a backbone in seconds: each feature's mean and variance at each position over
// the good training images (a diagonal Gaussian); an image's map is the mean squared deviation over channels,
// levels 2 and 3 added; its score the maximum of the smoothed map.
import * as tf from '@tensorflow/tfjs';
import { gaussianBlur, upsampleBilinear } from '@dskd/core';
import { PreparedImages } from '@dskd/data';
import { auroc } from '@dskd/metrics';
import { defaultSigma } from '@dskd/scoring';

const BATCH = 16;
/** Of a deviation, relative to the level's mean one: a feature that never moves must not decide. */
const LEAST_DEVIATION = 0.05;

async function eachBatch(samples, size, extractor, use) {
  const prepared = new PreparedImages(samples, {
    height: size,
    width: size,
    fit: 'stretch',
    cacheBytes: 0,
  });
  for (let start = 0; start < samples.length; start += BATCH) {
    const indices = Array.from({ length: Math.min(BATCH, samples.length - start) }, (_, i) => start + i);
    const images = await prepared.batch(indices);
    const features = await extractor.extract(images);
    await use(features.slice(-2));
    tf.dispose([images, features]);
  }
}

/** Mean and variance by position and channel of each level. */
async function statistics(samples, size, extractor) {
  let sums;
  await eachBatch(samples, size, extractor, (levels) => {
    const before = sums;
    sums = levels.map((level, index) =>
      ['sum', 'squares'].map((kind, which) =>
        tf.tidy(() => {
          const total = tf.sum(kind === 'sum' ? level : tf.square(level), 0, true);
          return before ? tf.add(before[index][which], total) : total;
        }),
      ),
    );
    if (before) tf.dispose(before);
  });
  const result = sums.map(([sum, squares]) =>
    tf.tidy(() => {
      const mean = tf.div(sum, samples.length);
      const deviation = tf.sqrt(tf.relu(tf.sub(tf.div(squares, samples.length), tf.square(mean))));
      return { mean, deviation: tf.maximum(deviation, tf.mul(tf.mean(deviation), LEAST_DEVIATION)) };
    }),
  );
  tf.dispose(sums);
  return result;
}

/** Image AUROC on the test images of `source`. */
export async function gaussianAuroc(source, size, extractor) {
  const split = (name) => source.samples.filter((sample) => sample.split === name);
  const gaussians = await statistics(split('train'), size, extractor);
  const scores = [];
  await eachBatch(split('test'), size, extractor, async (levels) => {
    const batch = tf.tidy(() => {
      const maps = levels.map((level, index) => {
        const { mean, deviation } = gaussians[index];
        const squared = tf.mean(tf.square(tf.div(tf.sub(level, mean), deviation)), 3);
        return upsampleBilinear(squared, [size, size]);
      });
      return tf.max(gaussianBlur(tf.addN(maps), defaultSigma([size, size])), [1, 2]);
    });
    scores.push(...(await batch.data()));
    batch.dispose();
  });
  tf.dispose(gaussians.map(({ mean, deviation }) => [mean, deviation]));
  return auroc(
    scores,
    split('test').map(({ label }) => (label === 'anomalous' ? 1 : 0)),
  );
}
