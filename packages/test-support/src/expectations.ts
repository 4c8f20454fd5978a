import * as tf from '@tensorflow/tfjs';

export interface Closeness {
  /** Allowed difference divided by the largest absolute entry of `wanted`. */
  readonly relative?: number;
  readonly absolute?: number;
}

/**
 * Expects that every entry of `got` differs from that of `wanted` by at most `relative * max|wanted| + absolute`.
 * The error names the worst entry. NaN always fails.
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

/** Expects that the number of tensors is the same after `work` as before. Returns the result of `work`. */
export async function expectNoNewTensors<T>(work: () => T | Promise<T>): Promise<T> {
  const before = tf.memory().numTensors;
  const result = await work();
  const after = tf.memory().numTensors;
  if (after !== before) throw new Error(`Tensors: ${before} before, ${after} after.`);
  return result;
}
