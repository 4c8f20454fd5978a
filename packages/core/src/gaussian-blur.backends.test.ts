import * as tf from '@tensorflow/tfjs';
import {
  describeBackends,
  expectClose,
  expectNoNewTensors,
  integerFill,
  readGolden,
} from '@dskd/test-support';
import { gaussianBlur } from './gaussian-blur.js';
import { upsampleBilinear } from './upsample-bilinear.js';

const golden = await readGolden(new URL('../test/fixtures/gaussian-blur.safetensors', import.meta.url));
const cases = golden.names.filter((name) => name.endsWith('.sigma')).map((name) => name.split('.')[0]!);

describeBackends('gaussianBlur', () => {
  test.each(cases)('%s is equal to the result of scipy', async (name) => {
    const { shape, data: wanted } = golden.array(`${name}.blurred`);
    const [sigma, truncate] = golden.array(`${name}.sigma`).data;
    await expectNoNewTensors(async () => {
      const maps = tf.tensor3d(integerFill(name, shape), shape as [number, number, number]);
      const blurred = gaussianBlur(maps, sigma!, { truncate: truncate! });
      expect(blurred.shape).toEqual(shape);
      expectClose(await blurred.data(), wanted, { absolute: 1e-6, relative: 1e-6 });
      tf.dispose([maps, blurred]);
    });
  });

  test('truncate is 4 by default and sigma 0 returns a new tensor with the same values', async () => {
    const { shape, data: wanted } = golden.array('usual.blurred');
    await expectNoNewTensors(async () => {
      const maps = tf.tensor3d(integerFill('usual', shape), shape as [number, number, number]);
      const blurred = gaussianBlur(maps, 2);
      expectClose(await blurred.data(), wanted, { absolute: 1e-6, relative: 1e-6 });
      const copy = gaussianBlur(maps, 0);
      const values = await maps.data();
      maps.dispose();
      expect(await copy.data()).toEqual(values);
      tf.dispose([blurred, copy]);
    });
  });

  test.each([
    ['larger', [7, 5], [24, 30], 1.5],
    ['smaller', [9, 6], [4, 6], 1],
    ['without a Gaussian', [3, 4], [8, 8], 0],
  ] as const)('with a size it resizes first: %s', async (_, [height, width], size, sigma) => {
    await expectNoNewTensors(async () => {
      const maps = tf.tensor3d(integerFill('resized', [2, height, width]), [2, height, width]);
      const [resized, got] = [
        upsampleBilinear(maps, size, { alignCorners: false }),
        gaussianBlur(maps, sigma, { size }),
      ];
      const wanted = gaussianBlur(resized, sigma);
      expect(got.shape).toEqual([2, ...size]);
      expectClose(await got.data(), await wanted.data(), { absolute: 1e-5, relative: 1e-5 });
      tf.dispose([maps, resized, got, wanted]);
    });
  });

  test('refuses a negative or non-finite sigma or truncate, and other shapes', async () => {
    await expectNoNewTensors(() => {
      const maps = tf.zeros<tf.Rank.R3>([1, 2, 2]);
      for (const sigma of [-1, NaN, Infinity]) {
        expect(() => gaussianBlur(maps, sigma)).toThrow(`Got sigma ${sigma}`);
        expect(() => gaussianBlur(maps, 1, { truncate: sigma })).toThrow(`Got truncate ${sigma}`);
      }
      expect(() => gaussianBlur(maps, 1, { size: [2, 0] })).toThrow('Got size [2, 0]');
      const flat = tf.zeros([2, 2]);
      expect(() => gaussianBlur(flat as tf.Tensor3D, 1)).toThrow('Got maps of shape [2, 2]');
      tf.dispose([maps, flat]);
    });
  });

  test('a constant map stays constant and the sum does not change', async () => {
    const values = integerFill('bn.weight', [9 * 7]);
    await expectNoNewTensors(async () => {
      const maps = tf.tensor3d(values, [1, 9, 7]);
      const constant = tf.fill<tf.Rank.R3>([1, 9, 7], 3);
      const [blurred, same] = [gaussianBlur(maps, 3), gaussianBlur(constant, 3)];
      const total = sumOf(values);
      expectClose([sumOf(await blurred.data())], [total], { relative: 1e-6 });
      expectClose(await same.data(), await constant.data(), { relative: 1e-6 });
      tf.dispose([maps, constant, blurred, same]);
    });
  });
});

function sumOf(values: ArrayLike<number>): number {
  return Array.from(values).reduce((a, b) => a + b, 0);
}
