import * as tf from '@tensorflow/tfjs';
import {
  describeBackends,
  expectClose,
  expectNoNewTensors,
  integerFill,
  TOLERANCES,
} from '@dskd/test-support';
import { createObjective } from './objectives.js';

const SHAPE: [number, number, number, number] = [2, 2, 3, 3];
const LENGTH = 4;
const ITEMS = 3;
const ROWS = 12;

const image = integerFill('image', SHAPE);
const reconstruction = integerFill('reconstruction', SHAPE);

function directions(name: string, count: number): number[] {
  const values = integerFill(name, [count, LENGTH]);
  return Array.from({ length: count }, (_, row) => {
    const vector = Array.from(values.subarray(row * LENGTH, (row + 1) * LENGTH));
    return vector.map((value) => Math.fround(value / Math.hypot(...vector)));
  }).flat();
}

/** cvlab-yonsei/MNAD's gather_loss and spread_loss in float64. */
function lossOfQueries(queries: ArrayLike<number>, items: readonly number[], c: number, s: number): number {
  let loss = 0;
  for (let row = 0; row < ROWS; row++) {
    const at = (item: number, f: (query: number, value: number) => number): number => {
      let sum = 0;
      for (let i = 0; i < LENGTH; i++) sum += f(queries[row * LENGTH + i]!, items[item * LENGTH + i]!);
      return sum;
    };
    const order = Array.from({ length: ITEMS }, (_, item) => item).sort(
      (one, other) => at(other, (q, m) => q * m) - at(one, (q, m) => q * m),
    );
    const [first, second] = order as [number, number];
    const distance = (item: number): number => Math.sqrt(at(item, (q, m) => (q - m + 1e-6) ** 2));
    loss += (c * at(first, (q, m) => (q - m) ** 2)) / (ROWS * LENGTH);
    loss += (s * Math.max(0, distance(first) - distance(second) + 1)) / ROWS;
  }
  return loss;
}

describeBackends('the objective of MNAD', (backend) => {
  const relative = Math.max(TOLERANCES[backend].reduction, 1e-5);

  test.each([
    [0, 0],
    [0.1, 0.1],
    [2, 0],
    [0, 3],
  ])('compactness %p, separateness %p: value and gradients in float64', async (compactness, separateness) => {
    await expectNoNewTensors(async () => {
      const objective = createObjective({ name: 'memorizedError', options: { compactness, separateness } });
      expect(objective.options).toEqual({ compactness, separateness });
      const [queries, items] = [directions('queries', ROWS), directions('items', ITEMS)];
      const x = tf.tensor4d(image, SHAPE);
      const inputs = [
        tf.tensor4d(reconstruction, SHAPE),
        tf.tensor4d(queries, [2, 2, 3, LENGTH]),
        tf.tensor4d(items, [1, 1, ITEMS, LENGTH]),
      ];
      const { value, grads } = tf.valueAndGrads((...outputs: tf.Tensor[]) =>
        objective.loss([x], outputs as tf.Tensor4D[]),
      )(inputs);
      const error = Array.from(image, (pixel, i) => (reconstruction[i]! - pixel) ** 2);
      const lossOf = (values: ArrayLike<number>): number =>
        lossOfQueries(values, items, compactness, separateness);
      const mean = error.reduce((sum, each) => sum + each, 0) / error.length;
      expectClose(await value.data(), [mean + lossOf(queries)], { relative });
      const slopes = queries.map((_, i) => {
        const at = (change: number): number =>
          lossOf(queries.map((query, j) => query + (i === j ? change : 0)));
        return (at(1e-6) - at(-1e-6)) / 2e-6;
      });
      expectClose(await grads[1]!.data(), slopes, { relative, absolute: 1e-8 });
      expect((await grads[2]!.data()).every((each) => each === 0)).toBe(true);
      const wanted = Array.from(image, (pixel, i) => (2 * (reconstruction[i]! - pixel)) / image.length);
      expectClose(await grads[0]!.data(), wanted, { relative });
      const [map, ...others] = objective.map([x], inputs);
      expect(others).toEqual([]);
      const sums = Array.from(
        { length: 12 },
        (_, i) => error[3 * i]! + error[3 * i + 1]! + error[3 * i + 2]!,
      );
      expectClose(await map!.data(), sums, { relative });
      tf.dispose([x, ...inputs, value, ...grads, map!]);
    });
  });
});

test('a negative weight, a reconstruction without queries, and a memory of one item are refused', () => {
  const options = { compactness: -1 };
  expect(() => createObjective({ name: 'memorizedError', options })).toThrow(/weights -1 and 0.1/);
  const objective = createObjective({ name: 'memorizedError' });
  const x = tf.zeros<tf.Rank.R4>([1, 2, 2, 3]);
  const one = tf.zeros<tf.Rank.R4>([1, 1, 1, 3]);
  for (const outputs of [[x], [x, x, one]]) {
    expect(() => objective.loss([x], outputs)).toThrow(
      expect.objectContaining({ code: 'shape-mismatch' }) as Error,
    );
  }
  tf.dispose([x, one]);
});
