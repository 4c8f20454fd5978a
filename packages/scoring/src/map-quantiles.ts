import { DskdError } from '@dskd/base';
import { orderedKey, valueOfKey } from '@dskd/metrics';
import { assertFinitePixels } from './finite-pixels.js';

/** Bits of a float32 that tell bins apart: sign, exponent and 11 of the mantissa. */
const BIN_BITS = 20;
const DROPPED_BITS = 32 - BIN_BITS;

/**
 * Quantiles of all pixels of many maps, one block at a time: counts by the leading bits of the values, 4 MB however
 * many there are. A result is within 2^-12 of the exact one, relative to it, whatever the order of the blocks.
 */
export class MapQuantiles {
  readonly #bins = new Uint32Array(2 ** BIN_BITS);
  #count = 0;

  /** How many pixels were added. */
  get count(): number {
    return this.#count;
  }

  /**
   * Adds the pixels of one or more maps.
   * @throws {DskdError} `numerical-instability` when one is NaN or infinite; nothing is added then.
   */
  add(values: Float32Array): void {
    assertFinitePixels(values);
    const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
    for (const value of bits) this.#bins[orderedKey(value) >>> DROPPED_BITS]! += 1;
    this.#count += values.length;
  }

  /**
   * The value below which a share of the pixels lies: the pixel of rank `share * (count - 1)`, rounded down.
   * @param share 0 to 1.
   * @returns NaN before the first pixel.
   * @throws {DskdError} `invalid-argument` for another share.
   */
  quantile(share: number): number {
    if (!(share >= 0 && share <= 1)) {
      throw new DskdError('invalid-argument', `Got a share of ${share}; wanted 0 to 1.`);
    }
    const rank = Math.floor(share * (this.#count - 1));
    let below = 0;
    const bin = this.#bins.findIndex((count) => (below += count) > rank);
    // The middle of the bin, but exactly 0 where zeros are.
    const first = (bin << DROPPED_BITS) >>> 0;
    return this.#count === 0
      ? NaN
      : valueOfKey(first === 0x80000000 ? first : first + 2 ** (DROPPED_BITS - 1));
  }
}
