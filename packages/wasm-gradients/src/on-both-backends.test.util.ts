import * as tf from '@tensorflow/tfjs';

/** Deterministic values in -1..1; different seeds give unrelated values. */
export function filled(shape: readonly number[], seed: number): tf.Tensor {
  const values = new Float32Array(tf.util.sizeFromShape([...shape]));
  for (let i = 0; i < values.length; i++) {
    const hash = Math.imul(Math.imul(i + 1, 0x9e3779b1) ^ (seed << 16), 0x85ebca77);
    values[i] = (Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35) | 0) / 2 ** 31;
  }
  return tf.tensor(values, [...shape]);
}

export function runKernel(name: string, inputs: Record<string, tf.Tensor>, attrs: object): tf.Tensor {
  return tf.engine().runKernel(name, inputs, attrs as tf.NamedAttrMap);
}

async function valuesOn(backend: 'cpu' | 'wasm', work: () => tf.Tensor): Promise<Float32Array> {
  await tf.setBackend(backend);
  const tensors = tf.memory().numTensors;
  const dataIds = tf.backend().numDataIds();
  const values = tf.tidy(() => work().dataSync<'float32'>());
  expect([tf.memory().numTensors, tf.backend().numDataIds()]).toEqual([tensors, dataIds]);
  return values;
}

/** The values of `work` (its own inputs included) on cpu and on wasm; neither may leak tensors or data. */
export async function onBothBackends(
  work: () => tf.Tensor,
): Promise<{ cpu: Float32Array; wasm: Float32Array }> {
  return { cpu: await valuesOn('cpu', work), wasm: await valuesOn('wasm', work) };
}
