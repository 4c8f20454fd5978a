import * as tf from '@tensorflow/tfjs';
import {
  describeBackends,
  expectClose,
  expectNoNewTensors,
  integerFill,
  readGolden,
} from '@dskd/test-support';
import { upsampleBilinear } from './upsample-bilinear.js';

const golden = await readGolden(new URL('../test/fixtures/upsample-bilinear.safetensors', import.meta.url));
const cases = golden.names.filter((name) => name.endsWith('.shape')).map((name) => name.split('.')[0]!);

describeBackends('upsampleBilinear', () => {
  test.each(cases)('%s is equal to the result of torch, for both settings of alignCorners', async (name) => {
    const shape = [...golden.array(`${name}.shape`).data] as [number, number, number];
    await expectNoNewTensors(async () => {
      const maps = tf.tensor3d(integerFill(name, shape), shape);
      for (const alignCorners of [true, false]) {
        const wanted = golden.array(`${name}.${alignCorners ? 'corners' : 'areas'}`);
        const [, height, width] = wanted.shape as [number, number, number];
        const result = upsampleBilinear(maps, [height, width], { alignCorners });
        expect(result.shape).toEqual(wanted.shape);
        expectClose(await result.data(), wanted.data, { absolute: 2e-6 });
        result.dispose();
      }
      maps.dispose();
    });
  });

  test('corners are aligned by default', async () => {
    await expectNoNewTensors(async () => {
      const maps = tf.tensor3d([0, 2, 4, 6], [1, 2, 2]);
      const result = upsampleBilinear(maps, [3, 3]);
      expect([...(await result.data())]).toEqual([0, 1, 2, 2, 3, 4, 4, 5, 6]);
      tf.dispose([maps, result]);
    });
  });

  test('the same size gives a new tensor', async () => {
    await expectNoNewTensors(async () => {
      const maps = tf.tensor3d([0, 2, 4, 6], [1, 2, 2]);
      const result = upsampleBilinear(maps, [2, 2]);
      maps.dispose();
      expect([...(await result.data())]).toEqual([0, 2, 4, 6]);
      result.dispose();
    });
  });

  test('refuses sizes that are not positive integers, and other shapes', async () => {
    await expectNoNewTensors(() => {
      const maps = tf.zeros<tf.Rank.R3>([1, 2, 2]);
      for (const side of [0, 1.5, NaN]) {
        expect(() => upsampleBilinear(maps, [2, side])).toThrow(`Got size [2, ${side}]`);
      }
      const four = tf.zeros([1, 2, 2, 1]);
      expect(() => upsampleBilinear(four as unknown as tf.Tensor3D, [4, 4])).toThrow('[1, 2, 2, 1]');
      tf.dispose([maps, four]);
    });
  });
});
