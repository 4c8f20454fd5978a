import { DskdError } from '@dskd/base';
import { orderedKey, valueOfKey } from '@dskd/metrics';

/** @throws {DskdError} `numerical-instability` when a pixel of the map is NaN or infinite. */
function assertFinitePixels(values: Float32Array): void {
  const index = values.findIndex((value) => !Number.isFinite(value));
  if (index < 0) return;
  throw new DskdError(
    'numerical-instability',
    `Got ${String(values[index])} at pixel ${index} of an anomaly map; wanted finite values.`,
    {
      hint: 'The network that made the map has diverged, or its weights are damaged.',
      details: { index },
    },
  );
}

/**
 * Mean and standard deviation of all pixels of many maps, in float64, one block at a time (the pairwise update of
 * Welford's sums by Chan, Golub and LeVeque). Keeps three numbers.
 */
export class MapStatistics {
  #count = 0;
  #mean = 0;
  /** Sum of the squared distances from the mean. */
  #sumOfSquares = 0;

  /** Number of pixels added. */
  get count(): number {
    return this.#count;
  }

  /** NaN before the first pixel. */
  get mean(): number {
    return this.#count === 0 ? NaN : this.#mean;
  }

  /** Of the population (divided by `count`). NaN before the first pixel. */
  get standardDeviation(): number {
    return Math.sqrt(this.#sumOfSquares / this.#count);
  }

  /**
   * Adds the pixels of one or more maps.
   * @throws {DskdError} `numerical-instability` when one is NaN or infinite; nothing is added then.
   */
  add(values: Float32Array): void {
    const count = values.length;
    if (count === 0) return;
    let sum = 0;
    for (const value of values) sum += value;
    const mean = sum / count;
    // The sum shows a bad pixel without another pass.
    if (!Number.isFinite(mean)) assertFinitePixels(values);
    let sumOfSquares = 0;
    for (const value of values) sumOfSquares += (value - mean) ** 2;
    const total = this.#count + count;
    const difference = mean - this.#mean;
    this.#mean += (difference * count) / total;
    this.#sumOfSquares += sumOfSquares + (difference * difference * this.#count * count) / total;
    this.#count = total;
  }
}

/** Leading bits of a float32 that number its bin: sign, exponent and 11 of the mantissa. */
const BIN_BITS = 20;
const DROPPED_BITS = 32 - BIN_BITS;

/**
 * Quantiles of all pixels of many maps, one block at a time. Counts by the leading bits of the values: 4 MB however
 * many there are. A result is within a relative 2^-12 of the exact one, whatever the order of the blocks.
 */
export class MapQuantiles {
  readonly #bins = new Uint32Array(2 ** BIN_BITS);
  #count = 0;

  /** Number of pixels added. */
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
   * The quantile of the pixels: the value of rank `share * (count - 1)`, rounded down.
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
