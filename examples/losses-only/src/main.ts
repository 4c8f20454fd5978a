// A network of your own learns another's features by @dskd/losses: no data set, detector or worker of ours.
import * as tf from '@tensorflow/tfjs';
import { contextualAffinityLoss, perPixelCosineLoss } from '@dskd/losses';

await tf.setBackend('cpu');

const strided = { kernelSize: 3, strides: 2, padding: 'same' } as const;
const seeded = (seed: number) => tf.initializers.heNormal({ seed });
const imageSides = [16, 16, 3];

// Frozen; as large as you like. Its features are [batch, 4, 4, 16].
const teacher = tf.sequential({
  layers: [
    tf.layers.conv2d({ ...strided, filters: 12, kernelInitializer: seeded(1), inputShape: imageSides }),
    tf.layers.reLU(),
    tf.layers.conv2d({ ...strided, filters: 16, kernelInitializer: seeded(2) }),
  ],
});

const student = tf.sequential({
  layers: [
    tf.layers.conv2d({ ...strided, filters: 6, kernelInitializer: seeded(3), inputShape: imageSides }),
    tf.layers.reLU(),
    tf.layers.conv2d({ ...strided, filters: 16, kernelInitializer: seeded(4) }),
  ],
});

const images = tf.randomUniform<tf.Rank.R4>([8, 16, 16, 3], 0, 1, 'float32', 5);
const wanted = teacher.predict(images) as tf.Tensor4D;

const optimizer = tf.train.adam(0.01);
for (let step = 0; step <= 60; step++) {
  const loss = optimizer.minimize(() => {
    const got = student.apply(images, { training: true }) as tf.Tensor4D;
    return tf.add(perPixelCosineLoss(wanted, got), contextualAffinityLoss(wanted, got));
  }, true)!;
  if (step % 20 === 0) console.log(`step ${step}: loss ${loss.dataSync<'float32'>()[0]!.toFixed(4)}`);
  loss.dispose();
}
