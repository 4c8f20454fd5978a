import * as tf from '@tensorflow/tfjs-core';

/** A backend that records operations (`@dskd/onnx`): it records `step` once, in a loop. */
interface LoopRecorder {
  recordFixedPoint?<T extends tf.Tensor>(start: T, step: (value: T) => T): T;
}

/**
 * What a step gives when it is repeated until nothing changes. Reads one truth value back after each step, synchronously (not on
 * webgpu), except on a backend that records operations.
 * @param start the caller keeps it.
 * @param step gives a tensor of the same shape and type. It must come to an end: values that only grow and have a bound do.
 * @returns a new tensor; the caller disposes it.
 */
export function fixedPoint<T extends tf.Tensor>(start: T, step: (value: T) => T): T {
  const backend = tf.backend() as LoopRecorder;
  if (backend.recordFixedPoint) return backend.recordFixedPoint(start, step);
  let current = tf.clone(start);
  for (;;) {
    const [next, isSame] = tf.tidy(() => {
      const value = step(current);
      return [value, tf.all(tf.equal(value, current))] as [T, tf.Tensor];
    });
    const [ended] = isSame.dataSync();
    tf.dispose([current, isSame]);
    current = next;
    if (ended) return current;
  }
}
