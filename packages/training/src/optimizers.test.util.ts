// The network and the steps of tools/golden/training.py.
import * as tf from '@tensorflow/tfjs';
import { integerFill } from '@dskd/test-support';
import type { Optimizer } from './optimizer.js';

export const SHAPES = { '0.weight': [10, 6], '0.bias': [10], '2.weight': [4, 10], '2.bias': [4] } as const;

function filled(name: string, shape: readonly number[]): tf.Tensor {
  return tf.tensor(integerFill(name, shape), [...shape]);
}

/** Linear, tanh, Linear, in torch's layout. */
function lossOf(parameters: ReadonlyMap<string, tf.Variable>, step: number): tf.Scalar {
  const linear = (x: tf.Tensor, layer: number): tf.Tensor =>
    tf.add(tf.matMul(x, parameters.get(`${layer}.weight`)!, false, true), parameters.get(`${layer}.bias`)!);
  const output = linear(tf.tanh(linear(filled(`inputs.${step}`, [8, 6]), 0)), 2);
  return tf.mean(tf.square(tf.sub(output, filled(`targets.${step}`, [8, 4]))));
}

export function network(): Map<string, tf.Variable> {
  return new Map(
    Object.entries(SHAPES).map(([name, shape]) => [name, tf.tidy(() => tf.variable(filled(name, shape)))]),
  );
}

/** Returns the loss of each step, before its update. */
export async function train(
  optimizer: Optimizer,
  parameters: ReadonlyMap<string, tf.Variable>,
  from: number,
  to: number,
): Promise<number[]> {
  const losses: number[] = [];
  for (let step = from; step < to; step++) {
    const loss = tf.tidy(() => {
      const { value, grads } = tf.variableGrads(() => lossOf(parameters, step), [...parameters.values()]);
      optimizer.apply(new Map([...parameters].map(([name, variable]) => [name, grads[variable.name]!])));
      return value;
    });
    losses.push((await loss.data())[0]!);
    loss.dispose();
  }
  return losses;
}
