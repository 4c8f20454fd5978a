// A method of one's own: how far each pixel is from its mean over good images, in its standard deviations there.
import { registerMethod, type AnomalyModel, type Method } from '@dskd/methods';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';

const options = z.strictObject({ floor: z.number().positive().default(0.02) });
type Options = z.output<typeof options>;

/** A model of the mean and the deviation of each pixel, both `[height, width, 3]`. */
function pixelMean(mean: tf.Tensor3D, deviation: tf.Tensor3D): AnomalyModel {
  return {
    method: 'pixel-mean',
    branches: [{ name: 'local', map: true }],
    score: (images) => {
      const map = tf.tidy(() => tf.mean<tf.Tensor3D>(tf.div(tf.abs(tf.sub(images, mean)), deviation), 3));
      return Promise.resolve([{ name: 'local', map }]);
    },
    state: () => ({
      config: {},
      tensors: new Map(
        Object.entries({ mean, deviation }).map(([name, tensor]) => [
          name,
          { dtype: 'F32', shape: tensor.shape, data: tensor.dataSync<'float32'>() },
        ]),
      ),
    }),
    dispose: () => tf.dispose([mean, deviation]),
  };
}

const method: Method<Options> = {
  name: 'pixel-mean',
  summary: 'the distance of each pixel from its mean over good images',
  options,
  profiles: { lite: options.parse({}) },
  needs: { teacher: false, validation: false },
  estimate: () => ({ bytes: 0, memory: { parts: [], heaps: [], total: 0, exceeded: [] }, steps: 0 }),
  async fit({ trainingImages }, { floor }) {
    const indices = Array.from({ length: trainingImages.length }, (_, index) => index);
    const images = await trainingImages.batch(indices, 0);
    const [mean, deviation] = tf.tidy(() => {
      const { mean, variance } = tf.moments(images, 0);
      return [mean as tf.Tensor3D, tf.maximum<tf.Tensor3D>(tf.sqrt(variance), floor)];
    });
    images.dispose();
    return { model: pixelMean(mean, deviation), record: {} };
  },
  restore({ tensors }) {
    const tensorOf = (name: string): tf.Tensor3D => {
      const { data, shape } = tensors.get(name)!;
      return tf.tensor3d(data as Float32Array, shape as [number, number, number]);
    };
    return Promise.resolve(pixelMean(tensorOf('mean'), tensorOf('deviation')));
  },
};

registerMethod(method);
