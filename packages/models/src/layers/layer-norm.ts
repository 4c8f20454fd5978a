import { accurateSum } from '@dskd/core';
import * as tf from '@tensorflow/tfjs-core';
import { elements, type Layer, type MapShape, type NetworkPlan } from './network-plan.js';

const EPSILON = 1e-5;

/** The sum over all values of each image, `[batch, 1, 1, 1]`, in stages, so that no float32 sum has many terms. */
function sumOfEach(x: tf.Tensor4D): tf.Tensor4D {
  return tf.tidy(() => tf.reshape(tf.sum(tf.sum(tf.sum(x, 3), 2), 1), [x.shape[0], 1, 1, 1]));
}

/** The sum over batch and positions. */
function sumOfChannels(x: tf.Tensor4D): tf.Tensor1D {
  return tf.tidy(() => accurateSum(tf.reshape(x, [x.size / x.shape[3], x.shape[3]]), 0));
}

/** As one operation with a custom gradient: it keeps its input and its output, and nothing else of that size. */
function normalize(input: tf.Tensor4D, weight: tf.Tensor, bias: tf.Tensor): tf.Tensor4D {
  const count = input.size / input.shape[0];
  const operation = tf.customGrad((...args) => {
    const [x, gamma, beta, save] = args as [tf.Tensor4D, tf.Tensor1D, tf.Tensor1D, tf.GradSaveFunc];
    const mean = tf.div<tf.Tensor4D>(sumOfEach(x), count);
    const variance = tf.tidy(() => tf.div(sumOfEach(tf.squaredDifference(x, mean)), count));
    const inverse = tf.rsqrt(tf.add(variance, EPSILON));
    const y = tf.tidy(() => {
      const unit = tf.mul(tf.sub(x, mean), inverse);
      return tf.relu(tf.add<tf.Tensor4D>(tf.mul(unit, gamma), beta));
    });
    save([x, mean, inverse, gamma, y]);
    const gradFunc = (dy: tf.Tensor4D, saved: tf.Tensor[]): tf.Tensor[] =>
      tf.tidy(() => {
        const [x, mean, inverse, gamma, y] = saved as [tf.Tensor4D, ...tf.Tensor4D[]];
        const upstream = tf.tidy(() => tf.mul<tf.Tensor4D>(dy, tf.step(y!)));
        const unit = tf.tidy(() => tf.mul<tf.Tensor4D>(tf.sub(x, mean!), inverse!));
        const dGamma = tf.tidy(() => sumOfChannels(tf.mul(upstream, unit)));
        const dBeta = sumOfChannels(upstream);
        const slope = tf.mul<tf.Tensor4D>(upstream, gamma!);
        const average = tf.div(sumOfEach(slope), count);
        const along = tf.tidy(() => tf.div<tf.Tensor4D>(sumOfEach(tf.mul(slope, unit)), count));
        const dx = tf.mul(tf.sub(tf.sub(slope, average), tf.mul(unit, along)), inverse!);
        return [dx, dGamma, dBeta];
      });
    return { value: y, gradFunc };
  });
  return operation(input, weight, bias);
}

/**
 * Layer normalization over height, width and channels of each image, with the biased variance and epsilon 1e-5, a gain and a
 * bias for each channel, and a ReLU, as improved_wgan_training's critic has it (tflib/ops/layernorm.py). An image does not
 * depend on its batch.
 */
export function layerNormRelu(plan: NetworkPlan, name: string, shape: MapShape): Layer {
  const vector = (suffix: string, value: number) =>
    plan.parameter({
      name: `${name}.${suffix}`,
      torchShape: [shape[2]],
      layout: 'vector',
      initial: { kind: 'constant', value },
      trainable: true,
    });
  const weight = vector('weight', 1);
  const bias = vector('bias', 0);
  plan.cost(name, shape, 0, elements(shape));
  return { shape, apply: (x) => tf.tidy(() => normalize(x, weight.variable, bias.variable)) };
}
