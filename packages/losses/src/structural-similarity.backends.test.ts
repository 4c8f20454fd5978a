import * as tf from '@tensorflow/tfjs';
import {
  describeBackends,
  expectClose,
  expectNoNewTensors,
  integerFill,
  readGolden,
} from '@dskd/test-support';
import { createObjective } from './objectives.js';

const golden = await readGolden(
  new URL('../test/fixtures/structural-similarity.safetensors', import.meta.url),
);
const objective = createObjective({ name: 'structuralSimilarity' });

function tensorOf(name: string): tf.Tensor4D {
  const { data, shape } = golden.array(name);
  return tf.tensor4d(Float32Array.from(data), shape as [number, number, number, number]);
}

describeBackends('structural similarity against PyTorch in float64', () => {
  // 14 x 9 pixels: windows of 11 are mirrored on both sides at once.
  test.each(['1.0.5', '1.0.02', '3.0.5', '3.0.02'])('channels.distance %s', async (name) => {
    await expectNoNewTensors(async () => {
      const [x, y] = [tensorOf(`${name}.image`), tensorOf(`${name}.reconstruction`)];
      const { value, grad } = tf.valueAndGrad((student: tf.Tensor) =>
        objective.loss([x], [student as tf.Tensor4D]),
      )(y);
      const [map, ...others] = objective.map([x], [y]);
      expect([others, map!.shape]).toEqual([[], x.shape.slice(0, 3)]);
      const wanted = (part: string) => golden.array(`${name}.${part}`).data;
      expectClose(await value.data(), wanted('loss'), { relative: 1e-5, absolute: 1e-6 });
      expectClose(await map!.data(), wanted('map'), { relative: 1e-4, absolute: 1e-5 });
      expectClose(await grad.data(), wanted('gradient'), { relative: 1e-3 });
      tf.dispose([x, y, value, grad, map!]);
    });
  });

  test('is 0 between equal images, also where they are of one gray, and at most 2', async () => {
    const shape: [number, number, number, number] = [1, 12, 12, 1];
    const x = tf.tidy(() => tf.add<tf.Tensor4D>(tf.mul(tf.tensor(integerFill('x', shape), shape), 0.5), 0.5));
    const [flat, inverse] = [tf.fill<tf.Rank.R4>(shape, 0.3), tf.tidy(() => tf.sub<tf.Tensor4D>(1, x))];
    for (const image of [x, flat]) {
      const [map] = objective.map([image], [image]);
      const values = await map!.data();
      expect(Math.max(...values)).toBeLessThan(1e-5);
      expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
      map!.dispose();
    }
    const [map] = objective.map([x], [inverse]);
    const values = await map!.data();
    expect(Math.max(...values)).toBeGreaterThan(1);
    expect(Math.max(...values)).toBeLessThanOrEqual(2);
    tf.dispose([x, flat, inverse, map!]);
  });
});
