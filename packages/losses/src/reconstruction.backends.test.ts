import * as tf from '@tensorflow/tfjs';
import {
  describeBackends,
  expectClose,
  expectNoNewTensors,
  integerFill,
  TOLERANCES,
} from '@dskd/test-support';
import { createObjective } from './objectives.js';

const SHAPE: [number, number, number, number] = [2, 3, 4, 3];
const LATENT: [number, number, number, number] = [2, 1, 1, 5];

const image = integerFill('image', SHAPE);
const reconstruction = integerFill('reconstruction', SHAPE);
const mean = integerFill('mean', LATENT);
const logVariance = integerFill('log-variance', LATENT);

/** Half the squared error and beta times the KL divergence, mean over the batch, in float64. */
function evidenceBound(
  y: ArrayLike<number>,
  m: ArrayLike<number>,
  s: ArrayLike<number>,
  beta: number,
): number {
  let loss = 0;
  for (let i = 0; i < y.length; i++) loss += (y[i]! - image[i]!) ** 2 / 2;
  for (let i = 0; i < m.length; i++) loss -= (beta / 2) * (1 + s[i]! - m[i]! ** 2 - Math.exp(s[i]!));
  return loss / SHAPE[0];
}

/** The derivative of `f` by each value, by central differences in float64. */
function slopes(values: ArrayLike<number>, f: (values: Float64Array) => number): number[] {
  const step = 1e-5;
  return Array.from({ length: values.length }, (_, i) => {
    const at = (change: number): number => {
      const moved = Float64Array.from(values);
      moved[i]! += change;
      return f(moved);
    };
    return (at(step) - at(-step)) / (2 * step);
  });
}

describeBackends('objectives of reconstructions', (backend) => {
  const { reduction: relative } = TOLERANCES[backend];

  test('squaredError: the mean over values, its gradient, and a map that sums over channels', async () => {
    await expectNoNewTensors(async () => {
      const objective = createObjective({ name: 'squaredError' });
      const [x, y] = [tf.tensor4d(image, SHAPE), tf.tensor4d(reconstruction, SHAPE)];
      const { value, grad } = tf.valueAndGrad((student: tf.Tensor) =>
        objective.loss([x], [student as tf.Tensor4D]),
      )(y);
      const errors = Array.from(image, (wanted, i) => (reconstruction[i]! - wanted) ** 2);
      const total = errors.reduce((sum, error) => sum + error, 0);
      expectClose(await value.data(), [total / image.length], { relative });
      const wanted = Array.from(image, (pixel, i) => (2 * (reconstruction[i]! - pixel)) / image.length);
      expectClose(await grad.data(), wanted, { relative });
      const [map, ...others] = objective.map([x], [y]);
      expect([map!.shape, others]).toEqual([[2, 3, 4], []]);
      const sums = Array.from(
        { length: 24 },
        (_, i) => errors[3 * i]! + errors[3 * i + 1]! + errors[3 * i + 2]!,
      );
      expectClose(await map!.data(), sums, { relative });
      tf.dispose([x, y, value, grad, map!]);
    });
  });

  test.each([0, 1, 2.5])(
    'variational, beta %p: the evidence bound in float64, and its gradients',
    async (beta) => {
      await expectNoNewTensors(async () => {
        const objective = createObjective({ name: 'variational', options: { beta } });
        expect(objective.options).toEqual({ beta });
        const x = tf.tensor4d(image, SHAPE);
        const inputs = [
          tf.tensor4d(reconstruction, SHAPE),
          tf.tensor4d(mean, LATENT),
          tf.tensor4d(logVariance, LATENT),
        ];
        const { value, grads } = tf.valueAndGrads((...outputs: tf.Tensor[]) =>
          objective.loss([x], outputs as tf.Tensor4D[]),
        )(inputs);
        expectClose(await value.data(), [evidenceBound(reconstruction, mean, logVariance, beta)], {
          relative,
        });
        const wanted = [
          slopes(reconstruction, (y) => evidenceBound(y, mean, logVariance, beta)),
          slopes(mean, (m) => evidenceBound(reconstruction, m, logVariance, beta)),
          slopes(logVariance, (s) => evidenceBound(reconstruction, mean, s, beta)),
        ];
        for (const [i, gradient] of grads.entries()) {
          expectClose(await gradient.data(), wanted[i]!, {
            relative: Math.max(relative, 1e-6),
            absolute: 1e-9,
          });
        }
        const [map] = objective.map([x], inputs);
        const [same] = createObjective({ name: 'squaredError' }).map([x], inputs.slice(0, 1));
        expect(await map!.data()).toEqual(await same!.data());
        tf.dispose([x, ...inputs, value, ...grads, map!, same!]);
      });
    },
  );

  test('squaredUnitDistance: the squared distance of unit vectors, mean over positions, sum over levels', async () => {
    const objective = createObjective({ name: 'squaredUnitDistance' });
    const [t, s] = [tf.tensor4d([3, 4, 1, 0], [1, 1, 2, 2]), tf.tensor4d([3, 4, 0, 2], [1, 1, 2, 2])];
    // Equal directions, then orthogonal ones: 0 and 2.
    const [map] = objective.map([t], [s]);
    expectClose(await map!.data(), [0, 2], { absolute: 1e-6 });
    const loss = objective.loss([t, t], [s, s]);
    expectClose(await loss.data(), [2], { relative });
    const gradient = (name: string, factor: number): tf.Tensor =>
      tf.grad((student: tf.Tensor) =>
        tf.mul(createObjective({ name }).loss([t], [student as tf.Tensor4D]), factor),
      )(s);
    const [got, wanted] = [gradient('squaredUnitDistance', 1), gradient('perPixelCosine', 2)];
    expectClose(await got.data(), await wanted.data(), { relative });
    tf.dispose([t, s, map!, loss, got, wanted]);
  });
});

describeBackends('the objective of MKD', (backend) => {
  test.each([0, 0.5])(
    'lambda %p: cosine of whole levels plus the squared error, its gradients, its map',
    async (lambda) => {
      const { reduction: relative } = TOLERANCES[backend];
      const objective = createObjective({ name: 'cosineAndError', options: { lambda } });
      expect(objective.options).toEqual({ lambda });
      const [x, y] = [tf.tensor4d(image, SHAPE), tf.tensor4d(reconstruction, SHAPE)];
      const lossOf = (values: ArrayLike<number>): number => {
        const length = image.length / 2;
        let loss = 0;
        for (const start of [0, length]) {
          let [tt, ss, ts] = [0, 0, 0];
          for (let i = start; i < start + length; i++) {
            tt += image[i]! ** 2;
            ss += values[i]! ** 2;
            ts += image[i]! * values[i]!;
            loss += (lambda * (values[i]! - image[i]!) ** 2) / image.length;
          }
          loss += (1 - ts / Math.sqrt(tt * ss)) / 2;
        }
        return loss;
      };
      const { value, grad } = tf.valueAndGrad((student: tf.Tensor) =>
        objective.loss([x], [student as tf.Tensor4D]),
      )(y);
      expectClose(await value.data(), [lossOf(reconstruction)], { relative });
      const wanted = slopes(reconstruction, lossOf);
      expectClose(await grad.data(), wanted, { relative: Math.max(relative, 1e-5) });
      const [map] = objective.map([x], [y]);
      const [same] = createObjective({ name: 'perPixelCosine' }).map([x], [y]);
      expect(await map!.data()).toEqual(await same!.data());
      tf.dispose([x, y, value, grad, map!, same!]);
    },
  );
});

test('a negative beta or lambda, and a reconstruction without mean and log-variance, are refused', () => {
  expect(() => createObjective({ name: 'variational', options: { beta: -1 } })).toThrow(
    expect.objectContaining({ code: 'invalid-argument' }) as Error,
  );
  expect(() => createObjective({ name: 'cosineAndError', options: { lambda: -1 } })).toThrow(/lambda -1/);
  const x = tf.zeros<tf.Rank.R4>([1, 2, 2, 3]);
  expect(() => createObjective({ name: 'variational' }).loss([x], [x])).toThrow(
    expect.objectContaining({ code: 'shape-mismatch' }) as Error,
  );
  x.dispose();
});
