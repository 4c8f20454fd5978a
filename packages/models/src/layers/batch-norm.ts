import * as tf from '@tensorflow/tfjs-core';
import { DskdError } from '@dskd/base';
import { accurateSum } from '@dskd/core';
import { elements, type Layer, type MapShape, type NetworkPlan } from './network-plan.js';

/** torch's default. */
const EPSILON = 1e-5;

type Statistics = (mean: tf.Tensor1D, variance: tf.Tensor1D) => void;

/** Sums over batch and positions. */
function sumOverPositions(x: tf.Tensor4D): tf.Tensor1D {
  return tf.tidy(() => accurateSum(tf.reshape(x, [positionsOf(x), x.shape[3]]), 0));
}

/** Values per channel. */
function positionsOf({ shape: [batch, height, width] }: tf.Tensor4D): number {
  return batch * height * width;
}

/**
 * Batch normalization with the statistics of the batch, optionally followed by a ReLU, as one operation with a custom
 * gradient. For the gradient it keeps its input and, with a ReLU, its output, and nothing else of that size.
 * @param statistics is called with the mean and the biased variance of the batch.
 */
function normalizeBatch(
  input: tf.Tensor4D,
  weight: tf.Tensor,
  bias: tf.Tensor,
  { relu, epsilon }: { readonly relu: boolean; readonly epsilon: number },
  statistics: Statistics,
): tf.Tensor4D {
  const count = positionsOf(input);
  const normalize = tf.customGrad((...args) => {
    const [x, gamma, beta, save] = args as [tf.Tensor4D, tf.Tensor1D, tf.Tensor1D, tf.GradSaveFunc];
    const mean = tf.div<tf.Tensor1D>(sumOverPositions(x), count);
    const variance = tf.tidy(() =>
      tf.div<tf.Tensor1D>(sumOverPositions(tf.squaredDifference(x, mean)), count),
    );
    statistics(mean, variance);
    const inverse = tf.rsqrt(tf.add(variance, epsilon));
    const y = tf.tidy(() => {
      const scale = tf.mul(gamma, inverse);
      const shift = tf.sub(beta, tf.mul(mean, scale));
      const scaled = tf.mul(x, scale);
      const shifted = tf.add<tf.Tensor4D>(scaled, shift);
      scaled.dispose();
      return relu ? tf.relu(shifted) : shifted;
    });
    save(relu ? [x, mean, inverse, gamma, y] : [x, mean, inverse, gamma]);
    const gradFunc = (dy: tf.Tensor4D, saved: tf.Tensor[]): tf.Tensor[] => {
      const [x, mean, inverse, gamma, y] = saved as [tf.Tensor4D, ...tf.Tensor1D[]];
      const upstream = y ? tf.tidy(() => tf.mul<tf.Tensor4D>(dy, tf.step(y))) : dy;
      const centered = tf.sub<tf.Tensor4D>(x, mean!);
      const sum = sumOverPositions(upstream);
      const correlation = tf.tidy(() => sumOverPositions(tf.mul(upstream, centered)));
      const scale = tf.mul(gamma!, inverse!);
      const perRow = tf.div(scale, -count);
      const slope = tf.mul(perRow, tf.mul(tf.square(inverse!), correlation));
      const dx = tf.tidy(() => {
        const direct = tf.mul(upstream, scale);
        const through = tf.mul(centered, slope);
        const both = tf.add(direct, through);
        direct.dispose();
        through.dispose();
        return tf.add(both, tf.mul(perRow, sum));
      });
      return [dx, tf.mul(correlation, inverse!), sum];
    };
    return { value: y, gradFunc };
  });
  return normalize(input, weight, bias);
}

/**
 * torch's BatchNorm2d. In training it normalizes with the mean and the biased variance of the batch, and the
 * unbiased variance updates the running variance. Otherwise it normalizes with the running statistics.
 * @param options.relu whether a ReLU follows. One operation for both needs memory for one map less.
 * @param options.epsilon added to the variance. Default 1e-5, as in torch.
 */
export function batchNorm(
  plan: NetworkPlan,
  name: string,
  shape: MapShape,
  { relu, epsilon = EPSILON }: { readonly relu: boolean; readonly epsilon?: number },
): Layer {
  const channels = shape[2];
  const vector = (suffix: string, value: number, trainable: boolean) =>
    plan.parameter({
      name: `${name}.${suffix}`,
      torchShape: [channels],
      layout: 'vector',
      initial: { kind: 'constant', value },
      trainable,
    });
  const weight = vector('weight', 1, true);
  const bias = vector('bias', 0, true);
  const runningMean = vector('running_mean', 0, false);
  const runningVariance = vector('running_var', 1, false);
  plan.cost(name, shape, 0, relu ? elements(shape) : 0);

  const forTraining = (input: tf.Tensor4D, momentum: number): tf.Tensor4D => {
    const count = positionsOf(input);
    if (count < 2) {
      throw new DskdError('invalid-argument', `'${name}' got one value per channel, wanted at least two.`, {
        hint: 'Train with a batch of two or more, or a larger input size.',
      });
    }
    return normalizeBatch(input, weight.variable, bias.variable, { relu, epsilon }, (mean, variance) => {
      const move = (running: tf.Variable, batch: tf.Tensor): void =>
        running.assign(tf.add(tf.mul(running, 1 - momentum), tf.mul(batch, momentum)));
      move(runningMean.variable, mean);
      move(runningVariance.variable, tf.mul(variance, count / (count - 1)));
    });
  };
  const forInference = (input: tf.Tensor4D): tf.Tensor4D => {
    const scale = tf.mul(weight.variable, tf.rsqrt(tf.add(runningVariance.variable, epsilon)));
    const shift = tf.sub(bias.variable, tf.mul(runningMean.variable, scale));
    const result = tf.add<tf.Tensor4D>(tf.mul(input, scale), shift);
    return relu ? tf.relu(result) : result;
  };
  return {
    shape,
    apply: (input, { training, batchNormMomentum }) =>
      tf.tidy(() => (training ? forTraining(input, batchNormMomentum) : forInference(input))),
  };
}
