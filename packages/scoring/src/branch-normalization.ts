import type { BranchNormalization } from './fuse-branches.js';
import { MapQuantiles } from './map-quantiles.js';
import { MapStatistics } from './map-statistics.js';

/**
 * What of a branch's maps of normal images normalizes it. `moments`: their mean and standard deviation (Eq. 8).
 * `quantiles`: the 0.9 quantile goes to 0 and the 0.995 quantile to 1, as in EfficientAD (Batzner et al., WACV 2024,
 * section 3.4, there to 0.1): a branch that is often far off on normal images is turned down by how far, so that
 * it does not decide over one that is not.
 */
export type Normalization = 'moments' | 'quantiles';

/** Shares of the pixels below what goes to 0 and to 1. */
const LOWER = 0.9;
const UPPER = 0.995;

/** Takes the raw maps of a branch's normal images, block by block, and says what normalizes it. */
export interface NormalizationGatherer {
  /** @throws {DskdError} `numerical-instability` when a pixel is NaN or infinite. */
  add(values: Float32Array): void;
  result(): BranchNormalization;
}

/** Keeps no maps: three numbers for `moments`, 4 MB of counts for `quantiles`. */
export function gatherNormalization(normalization: Normalization): NormalizationGatherer {
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
      const offset = quantiles.quantile(LOWER);
      return { offset, scale: quantiles.quantile(UPPER) - offset };
    },
  };
}
