import { DskdError } from '@dskd/base';

/**
 * How a branch's raw maps of normal images give its normalization. `moments`: their mean goes to 0 and mean plus
 * standard deviation to 1 (Eq. 8). `quantiles`: the 0.9 quantile goes to 0 and the 0.995 quantile to 1, as in
 * EfficientAD (Batzner et al., WACV 2024, section 3.4, there to 0.1). A branch with frequent outliers on normal
 * images then has a larger scale and counts less in the sum. `image-scores`: the same as `moments`, but of the images'
 * scores (the maxima of their smoothed maps), so that branches are compared by what decides about an image.
 */
export type Normalization = 'moments' | 'quantiles' | 'image-scores';

/** The normalization of a branch's map: `(map - offset) / scale`. */
export interface BranchNormalization {
  /** The value of the raw map that becomes 0: the mean over normal images, or a quantile. */
  readonly offset: number;
  /** `offset + scale` becomes 1: the standard deviation, or the distance of two quantiles. */
  readonly scale: number;
}

/** Relative to the offset: a float32 map with a smaller scale varies by rounding only. */
const FLOAT32_RESOLUTION = 2 ** -24;

/**
 * @param branch its name in the error.
 * @throws {DskdError} `numerical-instability` when offset or scale is not finite, or the scale is zero, negative or
 * too small for float32 beside the offset.
 */
export function checkNormalization({ offset, scale }: BranchNormalization, branch: string): void {
  const usable =
    Number.isFinite(offset) && Number.isFinite(scale) && scale > FLOAT32_RESOLUTION * Math.abs(offset);
  if (usable) return;
  throw new DskdError(
    'numerical-instability',
    `Branch '${branch}' cannot be normalized: got offset ${offset} and scale ${scale} ` +
      'from the normal images; wanted finite numbers and maps that vary.',
    {
      hint: 'A branch whose map is the same everywhere has not been trained, has seen no images, or images that are all the same.',
      details: { branch, offset, scale },
    },
  );
}

/** Collects the raw maps of one branch for normal images, block by block, and returns the branch's normalization. */
export interface NormalizationAccumulator {
  /**
   * Adds the pixels of one or more maps; for `image-scores` the scores of images.
   * @throws {DskdError} `numerical-instability` when a pixel is NaN or infinite; nothing is added then.
   */
  add(values: Float32Array): void;
  result(): BranchNormalization;
}

const LOWER_QUANTILE = 0.9;
const UPPER_QUANTILE = 0.995;

/** A new accumulator. It keeps no maps: three numbers for `moments`, 4 MB of counts for `quantiles`. */
export function createNormalizationAccumulator(normalization: Normalization): NormalizationAccumulator {
  if (normalization === 'moments') {
    const statistics = new MapStatistics();
    return {
      add: (values) => statistics.add(values),
      // A branch without a map gives one value for each image; a single one does not vary.
      result: () => ({
        offset: statistics.mean,
        scale: statistics.count === 1 ? shrunkDeviation(statistics) : statistics.standardDeviation,
      }),
    };
  }
  if (normalization === 'image-scores') {
    const statistics = new MapStatistics();
    return {
      add: (values) => statistics.add(values),
      result: () => ({ offset: statistics.mean, scale: shrunkDeviation(statistics) }),
    };
  }
  const quantiles = new MapQuantiles();
  return {
    add: (values) => quantiles.add(values),
    result: () => {
      const offset = quantiles.quantile(LOWER_QUANTILE);
      return { offset, scale: quantiles.quantile(UPPER_QUANTILE) - offset };
    },
  };
}

/** How a deviation of image scores is expected before any is seen: a tenth of their mean, worth three images. */
const PRIOR_DEVIATION = 0.1;
const PRIOR_IMAGES = 3;

/**
 * The standard deviation of a few image scores. Of two or three it can be near 0 by chance, and the branch would drown
 * the others: it is drawn toward {@link PRIOR_DEVIATION} of the mean.
 */
function shrunkDeviation({ count, mean, standardDeviation }: MapStatistics): number {
  const sample = count > 1 ? (standardDeviation ** 2 * count) / (count - 1) : 0;
  const prior = (PRIOR_DEVIATION * mean) ** 2;
  return Math.sqrt((count * sample + PRIOR_IMAGES * prior) / (count + PRIOR_IMAGES));
}

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
const NEGATIVE_ZERO = 0x8000_0000;

/** The bins from the lowest values to the highest: those of negative values backward, then the others. */
function* binsInOrder(): Generator<number> {
  const half = 2 ** (BIN_BITS - 1);
  for (let bin = 2 * half - 1; bin >= half; bin--) yield bin;
  for (let bin = 0; bin < half; bin++) yield bin;
}

/** A float32 in the middle of a bin, but exactly 0 where zeros are. */
function middleOf(bin: number): number {
  if (bin === 0) return 0;
  const isNegative = bin >= 2 ** (BIN_BITS - 1);
  const bits = (bin << DROPPED_BITS) | (2 ** (DROPPED_BITS - 1) - (isNegative ? 1 : 0));
  return new Float32Array(Uint32Array.of(bits).buffer)[0]!;
}

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
    for (const value of bits) this.#bins[value === NEGATIVE_ZERO ? 0 : value >>> DROPPED_BITS]! += 1;
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
    if (this.#count === 0) return NaN;
    let below = 0;
    for (const bin of binsInOrder()) {
      below += this.#bins[bin]!;
      if (below > rank) return middleOf(bin);
    }
    return NaN;
  }
}
