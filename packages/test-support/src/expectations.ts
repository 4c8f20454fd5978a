import * as tf from '@tensorflow/tfjs';

export interface Closeness {
  /** Times the largest absolute entry of `wanted`. */
  readonly relative?: number;
  readonly absolute?: number;
}

/**
 * Expects every entry of `got` to lie within `relative * max|wanted| + absolute` of `wanted`'s.
 * Reports the worst entry. NaN never passes.
 */
export function expectClose(
  got: ArrayLike<number>,
  wanted: ArrayLike<number>,
  { relative = 0, absolute = 0 }: Closeness,
): void {
  if (got.length !== wanted.length) throw new Error(`Got ${got.length} entries, wanted ${wanted.length}.`);
  let scale = 0;
  let worst = -1;
  let worstIndex = -1;
  for (let i = 0; i < wanted.length; i++) {
    scale = Math.max(scale, Math.abs(wanted[i]!));
    const difference = Math.abs(got[i]! - wanted[i]!);
    if (!(difference <= worst)) {
      worst = difference;
      worstIndex = i;
      if (Number.isNaN(difference)) break;
    }
  }
  const bound = relative * scale + absolute;
  if (wanted.length > 0 && !(worst <= bound)) {
    throw new Error(
      `Entry ${worstIndex} of ${wanted.length}: got ${got[worstIndex]}, wanted ${wanted[worstIndex]}; ` +
        `difference ${worst} exceeds ${bound} (largest entry ${scale}).`,
    );
  }
}

/** Expects `work` to leave as many tensors as it found, and hands on its result (no tensors). */
export async function expectNoNewTensors<T>(work: () => T | Promise<T>): Promise<T> {
  const before = tf.memory().numTensors;
  const result = await work();
  const after = tf.memory().numTensors;
  if (after !== before) throw new Error(`Tensors: ${before} before, ${after} after.`);
  return result;
}
