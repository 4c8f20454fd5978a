import * as tf from '@tensorflow/tfjs';
import { createObjective } from '@dskd/losses';
import { expectClose, expectNoNewTensors, useBackend } from '@dskd/test-support';
import { charbonnier } from './charbonnier.js';

const SHAPE: [number, number, number, number] = [2, 2, 3, 4];
const STEP = 0.01;

const features = (seed: number) => tf.randomNormal<tf.Rank.R4>(SHAPE, 0, 1, 'float32', seed);

beforeAll(() => useBackend('cpu'));

test.each([0.01, 0.2, 2])('the gradient is that of finite differences, epsilon %d', async (epsilon) => {
  await expectNoNewTensors(async () => {
    const objective = charbonnier({ epsilon });
    const [teacher, student] = [features(1), features(2)];
    const lossAt = (values: Float32Array): number =>
      tf.tidy(() => objective.loss([teacher], [tf.tensor4d(values, SHAPE)]).dataSync<'float32'>()[0]!);
    const values = await student.data<'float32'>();
    const wanted = Array.from(values, (_, entry) => {
      const moved = (by: number) => lossAt(values.map((value, i) => (i === entry ? value + by : value)));
      return (moved(STEP) - moved(-STEP)) / (2 * STEP);
    });

    const gradient = tf.grad((x) => objective.loss([teacher], [x as tf.Tensor4D]))(student);
    expectClose(await gradient.data(), wanted, { relative: 2e-3 });
    tf.dispose([teacher, student, gradient]);
  });
});

test('a student equal to its teacher is 0 everywhere; nobody is below', async () => {
  await expectNoNewTensors(async () => {
    const objective = charbonnier();
    const levels = [features(1), features(2)];
    const equal = objective.map(levels, levels);
    const other = objective.map(levels, [...levels].reverse());
    const [value, mean] = [objective.loss(levels, [...levels].reverse()), tf.tidy(() => tf.mean(other[0]!))];
    for (const level of equal) expect([...new Set(await level.data())]).toEqual([0]);
    for (const level of other) {
      expect(level.shape).toEqual([2, 2, 3]);
      expect(Math.min(...(await level.data()))).toBeGreaterThan(0);
    }
    // The loss adds up the levels' means, as the contract wants.
    expectClose(await value.data(), [2 * (await mean.data<'float32'>())[0]!], { relative: 1e-5 });
    tf.dispose([...levels, ...equal, ...other, value, mean]);
  });
});

test('it comes back from its description, and refuses what makes no sense', () => {
  const { name, options } = charbonnier({ epsilon: 0.3 });
  expect(createObjective({ name, options }).options).toEqual({ epsilon: 0.3 });
  expect(() => createObjective({ name, options: { epsilon: 0 } })).toThrow('epsilon 0');
});
