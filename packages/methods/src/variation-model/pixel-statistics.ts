import type { Size } from '../contract.js';

/** What good images look like at each pixel, in gray levels. */
export interface PixelModel {
  /** `[height * width * 3]` */
  readonly mean: Float32Array;
  /** Standard deviations, `[height * width * 3]`. */
  readonly deviation: Float32Array;
  /** `[height * width]`: 1 where some image showed the pixel, else 0. */
  readonly seen: Uint8Array;
}

/** Mean and standard deviation of each pixel and channel over images, in float64. */
export class PixelStatistics {
  readonly #mean: Float64Array;
  /** Sums of squared deviations. */
  readonly #squares: Float64Array;
  /** Images that showed the pixel. */
  readonly #counts: Uint32Array;

  constructor([height, width]: Size) {
    this.#mean = new Float64Array(height * width * 3);
    this.#squares = new Float64Array(height * width * 3);
    this.#counts = new Uint32Array(height * width);
  }

  /**
   * Adds an image, by Welford's method (1962).
   * @param image in gray levels, `[height, width, 3]`.
   * @param valid `[height * width]`, 0 where the image does not show the pixel.
   */
  add(image: Float32Array, valid?: Uint8Array): void {
    for (let pixel = 0; pixel < this.#counts.length; pixel++) {
      if (valid?.[pixel] === 0) continue;
      const count = ++this.#counts[pixel]!;
      for (let at = 3 * pixel; at < 3 * pixel + 3; at++) {
        const difference = image[at]! - this.#mean[at]!;
        this.#mean[at]! += difference / count;
        this.#squares[at]! += difference * (image[at]! - this.#mean[at]!);
      }
    }
  }

  /** Deviations are those of a sample (divided by one fewer than there are images), and 0 of one image. */
  result(): PixelModel {
    return {
      mean: Float32Array.from(this.#mean),
      deviation: Float32Array.from(this.#squares, (sum, at) =>
        Math.sqrt(sum / Math.max(1, this.#counts[Math.floor(at / 3)]! - 1)),
      ),
      seen: Uint8Array.from(this.#counts, (count) => Math.min(1, count)),
    };
  }
}

/**
 * How far an image is from the mean: of the channels of a pixel the largest difference, in standard deviations, where
 * those are at least `floor` gray levels.
 * @param image in gray levels, `[height, width, 3]`.
 * @param valid `[height * width]`, 0 where the image does not show the pixel: the score is 0 there.
 * @returns `[height * width]`
 */
export function scoresOf(
  image: Float32Array,
  { mean, deviation, seen }: PixelModel,
  floor: number,
  valid?: Uint8Array,
): Float32Array {
  return Float32Array.from(seen, (is, pixel) => {
    if (is === 0 || valid?.[pixel] === 0) return 0;
    let most = 0;
    for (let at = 3 * pixel; at < 3 * pixel + 3; at++) {
      most = Math.max(most, Math.abs(image[at]! - mean[at]!) / Math.max(deviation[at]!, floor));
    }
    return most;
  });
}
