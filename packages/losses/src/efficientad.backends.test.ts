import * as tf from '@tensorflow/tfjs';
import {
  describeBackends,
  expectClose,
  expectNoNewTensors,
  integerFill,
  TOLERANCES,
} from '@dskd/test-support';
import { createObjective } from './objectives.js';

const SHAPE: [number, number, number, number] = [2, 3, 5, 7];
const TALL: [number, number, number, number] = [2, 6, 5, 7];
const SIZE = 210;
const [student, autoencoder, ofAutoencoder, penalty] = ['student', 'autoencoder', 'of', 'penalty'].map(
  (name) => Float64Array.from(integerFill(name, SHAPE)),
) as [Float64Array, Float64Array, Float64Array, Float64Array];
const pair = integerFill('pair', TALL);

/** Rows `from` to `from + 2` of the two images of `pair`. */
function half(from: number): number[] {
  return [0, 1].flatMap((image) => [...pair.slice((image * 6 + from) * 35, (image * 6 + from + 3) * 35)]);
}

/** numpy's quantile. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const lower = Math.floor(place);
  const upper = Math.min(lower + 1, sorted.length - 1);
  return sorted[lower]! + (place - lower) * (sorted[upper]! - sorted[lower]!);
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
const squares = (a: ArrayLike<number>, b: ArrayLike<number>): number[] =>
  Array.from(a, (value, i) => (value - b[i]!) ** 2);

/** The loss of predictions in float64. */
function lossOf(
  [own, changed]: readonly number[][],
  [s, a, o, p]: readonly Float64Array[],
  share: number,
): number {
  const errors = squares(s!, own!);
  const least = quantile(errors, share);
  const hard = mean(errors.filter((error) => error >= least));
  return (
    hard + mean(squares(a!, changed!)) + mean(squares(o!, a!)) + mean(squares(p!, new Float64Array(SIZE)))
  );
}

const PREDICTIONS = [student, autoencoder, ofAutoencoder, penalty];

describeBackends('the objective of EfficientAD', (backend) => {
  const { reduction: relative } = TOLERANCES[backend];

  test.each([0, 0.5, 0.98, 1])(
    'share %p: the sum of its four losses and its gradients, in float64',
    async (share) => {
      await expectNoNewTensors(async () => {
        const objective = createObjective({ name: 'efficientad', options: { share } });
        expect(objective.options).toEqual({ share });
        const teacher = tf.tensor4d(pair, TALL);
        const inputs = PREDICTIONS.map((values) => tf.tensor4d(Float32Array.from(values), SHAPE));
        const { value, grads } = tf.valueAndGrads((...predictions: tf.Tensor[]) =>
          objective.loss([teacher], predictions as tf.Tensor4D[]),
        )(inputs);
        const targets = [half(0), half(3)];
        expectClose(await value.data(), [lossOf(targets, PREDICTIONS, share)], { relative });

        const least = quantile(squares(student, targets[0]!), share);
        const hard = squares(student, targets[0]!).map((error) => error >= least);
        const hardest = hard.filter(Boolean).length;
        const wanted = [
          Array.from(student, (x, i) => (hard[i] ? (2 * (x - targets[0]![i]!)) / hardest : 0)),
          Array.from(autoencoder, (x, i) => (2 * (2 * x - targets[1]![i]! - ofAutoencoder[i]!)) / SIZE),
          Array.from(ofAutoencoder, (x, i) => (2 * (x - autoencoder[i]!)) / SIZE),
          Array.from(penalty, (x) => (2 * x) / SIZE),
        ];
        for (const [index, grad] of grads.entries()) {
          expectClose(await grad.data(), wanted[index]!, { absolute: 10 * relative });
        }
        tf.dispose([teacher, value, ...inputs, ...grads]);
      });
    },
  );

  test('one target stands for both; without penalty images their loss is left out; two maps', async () => {
    await expectNoNewTensors(async () => {
      const objective = createObjective({ name: 'efficientad' });
      const teacher = tf.tensor4d(half(0), SHAPE);
      const inputs = PREDICTIONS.map((values) => tf.tensor4d(Float32Array.from(values), SHAPE));
      const value = objective.loss([teacher], inputs.slice(0, 3));
      const targets = [half(0), half(0)];
      const nothing = new Float64Array(SIZE);
      expectClose(
        await value.data(),
        [lossOf(targets, [student, autoencoder, ofAutoencoder, nothing], 0.999)],
        { relative },
      );
      const maps = objective.map([teacher], inputs.slice(0, 3));
      const errors = [squares(student, half(0)), squares(autoencoder, ofAutoencoder)];
      expect(maps.map(({ shape }) => shape)).toEqual([[2, 3, 5], [2, 3, 5]]); // prettier-ignore
      for (const [index, map] of maps.entries()) {
        const wanted = Array.from({ length: 30 }, (_, i) => mean(errors[index]!.slice(7 * i, 7 * i + 7)));
        expectClose(await map.data(), wanted, { relative });
      }
      tf.dispose([teacher, value, ...inputs, ...maps]);
    });
  });
});

test('refuses a share outside of 0 to 1, and too few predictions', () => {
  expect(() => createObjective({ name: 'efficientad', options: { share: 1.5 } })).toThrow(/wanted 0 to 1/);
  const one = tf.zeros<tf.Rank.R4>(SHAPE);
  expect(() => createObjective({ name: 'efficientad' }).loss([one], [one, one])).toThrow(/fewer predictions/);
  one.dispose();
});
