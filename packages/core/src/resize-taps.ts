/** Fixed-point arithmetic of Pillow (Resample.c): 32 bits minus 8 for the pixel and 2 for headroom. */
export const PRECISION_BITS = 22;

/** The source pixels that each output pixel uses, and their fixed-point weights. */
export interface Taps {
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** `outputs * width`, unused entries zero. */
  readonly weights: Int32Array;
  readonly width: number;
}

/** The taps of Pillow's triangle filter, widened by the reduction factor, along a line of `inputs` pixels. */
export function makeTaps(inputs: number, outputs: number): Taps {
  const scale = inputs / outputs;
  const support = Math.max(scale, 1);
  const width = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(outputs);
  const count = new Int32Array(outputs);
  const weights = new Int32Array(outputs * width);
  const exact = new Float64Array(width);
  const inverse = 1 / support;
  for (let output = 0; output < outputs; output++) {
    const center = (output + 0.5) * scale;
    const start = Math.max(Math.trunc(center - support + 0.5), 0);
    const taps = Math.min(Math.trunc(center + support + 0.5), inputs) - start;
    let total = 0;
    for (let tap = 0; tap < taps; tap++) {
      exact[tap] = Math.max(1 - Math.abs((tap + start - center + 0.5) * inverse), 0);
      total += exact[tap]!;
    }
    for (let tap = 0; tap < taps; tap++) {
      weights[output * width + tap] = Math.trunc(0.5 + (exact[tap]! / total) * (1 << PRECISION_BITS));
    }
    first[output] = start;
    count[output] = taps;
  }
  return { first, count, weights, width };
}
