import FFT from 'fft.js';
import type { Size } from '../contract.js';

/** Complex numbers, real and imaginary part in turn, row by row. */
export type Complex = Float64Array;

/** The smallest power of two that is at least `length`, and at least 2. */
export function powerOfTwo(length: number): number {
  return 2 ** Math.max(1, Math.ceil(Math.log2(length)));
}

/** Discrete Fourier transforms of one size in two dimensions. */
export class FourierPlane {
  readonly #rows: FFT;
  readonly #columns: FFT;

  /** @param size powers of two, at least 2. */
  constructor(readonly size: Size) {
    const [height, width] = size;
    this.#rows = new FFT(width);
    this.#columns = new FFT(height);
  }

  /**
   * The spectrum of real values: entry `(u, v)` is the sum of `value(y, x) exp(-2 pi i (u y / height + v x / width))`.
   * @param values `[height, width]`.
   */
  forward(values: Float32Array | Float64Array): Complex {
    const complex = new Float64Array(2 * values.length);
    for (let at = 0; at < values.length; at++) complex[2 * at] = values[at]!;
    this.#each(complex, (fft, out, line) => fft.transform(out, line));
    return complex;
  }

  /** The real parts of what has this spectrum, `[height, width]`. */
  inverse(spectrum: Complex): Float64Array {
    const complex = spectrum.slice();
    this.#each(complex, (fft, out, line) => fft.inverseTransform(out, line));
    const values = new Float64Array(complex.length / 2);
    for (let at = 0; at < values.length; at++) values[at] = complex[2 * at]!;
    return values;
  }

  /** Transforms every row, then every column, in place. */
  #each(complex: Complex, transform: (fft: FFT, out: Complex, line: Complex) => void): void {
    const [height, width] = this.size;
    const row = new Float64Array(2 * width);
    for (let y = 0; y < height; y++) {
      const line = complex.subarray(2 * y * width, 2 * (y + 1) * width);
      transform(this.#rows, row, line);
      line.set(row);
    }
    const [column, line] = [new Float64Array(2 * height), new Float64Array(2 * height)];
    for (let x = 0; x < width; x++) {
      for (let y = 0; y < height; y++) {
        line[2 * y] = complex[2 * (y * width + x)]!;
        line[2 * y + 1] = complex[2 * (y * width + x) + 1]!;
      }
      transform(this.#columns, column, line);
      for (let y = 0; y < height; y++) {
        complex[2 * (y * width + x)] = column[2 * y]!;
        complex[2 * (y * width + x) + 1] = column[2 * y + 1]!;
      }
    }
  }
}
