import * as tf from '@tensorflow/tfjs';
import {
  describeBackends,
  expectClose,
  expectNoNewTensors,
  integerFill,
  TOLERANCES,
} from '@dskd/test-support';
import { createObjective } from './objectives.js';

const BATCH = 3;
type Shape = [number, number, number, number];

const mean = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

describeBackends('the objectives of f-AnoGAN', (backend) => {
  const { reduction: relative } = TOLERANCES[backend];

  /** Loss and gradients of `name` for outputs from the formula. */
  async function lossOf(name: string, options: object, shapes: readonly Shape[], images?: tf.Tensor4D) {
    const objective = createObjective({ name, options: { ...options } });
    const data = shapes.map((shape, i) => integerFill(`output.${i}`, shape));
    const outputs = data.map((values, i) => tf.tensor4d(values, shapes[i]));
    const { value, grads } = tf.valueAndGrads((...given: tf.Tensor[]) =>
      objective.loss(images ? [images] : [], given as tf.Tensor4D[]),
    )(outputs);
    const loss = (await value.data())[0]!;
    const gradients = await Promise.all(grads.map(async (gradient) => [...(await gradient.data())]));
    const maps = objective.map(images ? [images] : [], outputs);
    const mapValues = await Promise.all(maps.map(async (map) => [...(await map.data())]));
    tf.dispose([value, ...outputs, ...grads, ...maps]);
    return { data, loss, gradients, maps: mapValues };
  }

  test('the critic: difference of means and penalty, with their gradients', async () => {
    await expectNoNewTensors(async () => {
      const shapes: Shape[] = [0, 1, 2].map(() => [BATCH, 1, 1, 1]);
      const { data, loss, gradients, maps } = await lossOf('wassersteinCritic', { penalty: 7 }, shapes);
      const [real, fake, lengths] = data as [Float32Array, Float32Array, Float32Array];
      const excess = Array.from(lengths, (length) => length - 1);
      const wanted = mean(fake) - mean(real) + 7 * mean(excess.map((each) => each ** 2));
      expectClose([loss], [wanted], { relative });
      expectClose(
        gradients[0]!,
        Array.from(real, () => -1 / BATCH),
        { relative },
      );
      expectClose(
        gradients[1]!,
        Array.from(fake, () => 1 / BATCH),
        { relative },
      );
      expectClose(
        gradients[2]!,
        excess.map((each) => (14 * each) / BATCH),
        { relative },
      );
      expect(maps).toEqual([]);
    });
  });

  test('the generator: less the mean of the values', async () => {
    const { data, loss, gradients, maps } = await lossOf('wassersteinGenerator', {}, [[BATCH, 1, 1, 1]]);
    expectClose([loss], [-mean(data[0]!)], { relative });
    expectClose(
      gradients[0]!,
      [0, 1, 2].map(() => -1 / BATCH),
      { relative },
    );
    expect(maps).toEqual([]);
  });

  test('the encoder: both mean squared errors, no gradient of the features of images, and the map', async () => {
    await expectNoNewTensors(async () => {
      const [shape, features]: [Shape, Shape] = [
        [BATCH, 2, 3, 1],
        [BATCH, 2, 1, 4],
      ];
      const pixels = integerFill('images', shape);
      const images = tf.tensor4d(pixels, shape);
      const { data, loss, gradients, maps } = await lossOf(
        'encodedError',
        { kappa: 0.3 },
        [shape, features, features],
        images,
      );
      const [made, ofImages, ofMade] = data as [Float32Array, Float32Array, Float32Array];
      const errors = (from: Float32Array, to: Float32Array): number[] =>
        Array.from(to, (each, i) => each - from[i]!);
      const squares = (values: number[]): number[] => values.map((value) => value ** 2);
      expectClose(
        [loss],
        [mean(squares(errors(pixels, made))) + 0.3 * mean(squares(errors(ofImages, ofMade)))],
        { relative },
      );
      expectClose(
        gradients[0]!,
        errors(pixels, made).map((each) => (2 * each) / made.length),
        { relative },
      );
      expect(gradients[1]!.every((each) => each === 0)).toBe(true);
      expectClose(
        gradients[2]!,
        errors(ofImages, ofMade).map((each) => (0.6 * each) / ofMade.length),
        { relative },
      );
      expectClose(maps[0]!, squares(errors(pixels, made)), { relative });
      images.dispose();
    });
  });
});

test('negative weights and other numbers of outputs are refused', () => {
  for (const [name, options] of [
    ['wassersteinCritic', { penalty: -1 }],
    ['encodedError', { kappa: NaN }],
  ] as const) {
    expect(() => createObjective({ name, options })).toThrow(/wanted 0 or more/);
  }
  for (const name of ['wassersteinCritic', 'wassersteinGenerator', 'encodedError']) {
    expect(() => createObjective({ name }).loss([], [])).toThrow(/Got 0 outputs of a network/);
  }
});
