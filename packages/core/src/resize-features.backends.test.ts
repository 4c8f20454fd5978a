import * as tf from '@tensorflow/tfjs';
import { describeBackends, expectClose, expectNoNewTensors, integerFill } from '@dskd/test-support';
import { resizeFeatures } from './resize-features.js';
import { upsampleBilinear } from './upsample-bilinear.js';

function filled(name: string, shape: [number, number, number, number]): tf.Tensor4D {
  return tf.tensor4d(integerFill(name, shape), shape);
}

const SIZES: [from: [number, number], to: [number, number]][] = [
  [[4, 6], [7, 5]],
  [[1, 1], [3, 2]],
  [[9, 5], [4, 8]],
]; // prettier-ignore

describeBackends('resizeFeatures', () => {
  test.each(SIZES)('%p to %p is what each channel gives as a map, pixels as areas', async (from, to) => {
    await expectNoNewTensors(async () => {
      const features = filled('x', [2, ...from, 3]);
      const got = resizeFeatures(features, to);
      expect(got.shape).toEqual([2, ...to, 3]);
      const channels = tf.unstack(features, 3) as tf.Tensor3D[];
      const maps = channels.map((map) => upsampleBilinear(map, to, { alignCorners: false }));
      const wanted = tf.stack(maps, 3);
      expectClose(await got.data(), await wanted.data(), { absolute: 2e-6 });
      tf.dispose([features, got, wanted, ...channels, ...maps]);
    });
  });

  test.each(SIZES)('%p to %p has the gradient of a linear map: its transpose', async (from, to) => {
    await expectNoNewTensors(async () => {
      const x = filled('x', [2, ...from, 3]);
      const dy = filled('dy', [2, ...to, 3]);
      const other = filled('other', [2, ...from, 3]);
      const y = resizeFeatures(other, to);
      const gradient = tf.grad((features) => resizeFeatures(features as tf.Tensor4D, to))(x, dy);
      // <dy, A other> = <A^T dy, other>.
      const sums = tf.tidy(() => tf.stack([tf.sum(tf.mul(dy, y)), tf.sum(tf.mul(gradient, other))]));
      const [forward, backward] = await sums.data();
      expectClose([forward!], [backward!], { absolute: 1e-4 });
      tf.dispose([x, dy, other, y, gradient, sums]);
    });
  });

  test('the same size gives a new tensor', async () => {
    await expectNoNewTensors(async () => {
      const features = filled('x', [1, 2, 3, 2]);
      const result = resizeFeatures(features, [2, 3]);
      const values = [...(await features.data())];
      features.dispose();
      expect([...(await result.data())]).toEqual(values);
      result.dispose();
    });
  });
});
