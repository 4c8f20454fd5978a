import { DskdError } from '@dskd/base';
import { MapQuantiles, MapStatistics } from './map-statistics.js';

/**
 * How a branch's raw maps of normal images give its normalization. `moments`: their mean goes to 0 and mean plus
 * standard deviation to 1 (Eq. 8). `quantiles`: the 0.9 quantile goes to 0 and the 0.995 quantile to 1, as in
 * EfficientAD (Batzner et al., WACV 2024, section 3.4, there to 0.1). A branch with frequent outliers on normal
 * images then has a larger scale and counts less in the sum.
 */
export type Normalization = 'moments' | 'quantiles';

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
      hint: 'A branch whose map is the same everywhere has not been trained, or has seen no images.',
      details: { branch, offset, scale },
    },
  );
}

/** Collects the raw maps of one branch for normal images, block by block, and returns the branch's normalization. */
export interface NormalizationAccumulator {
  /**
   * Adds the pixels of one or more maps.
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
      result: () => ({ offset: statistics.mean, scale: statistics.standardDeviation }),
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
