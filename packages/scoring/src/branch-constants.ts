import type { BranchConstants } from './fuse-branches.js';
import { MapQuantiles } from './map-quantiles.js';
import { MapStatistics } from './map-statistics.js';

/**
 * What of a branch's maps of normal pictures normalises it. `moments`: their mean and standard deviation (Eq. 8).
 * `quantiles`: the 0.9 quantile goes to 0 and the 0.995 quantile to 1, as in EfficientAD (Batzner et al., WACV 2024,
 * section 3.4, there to 0.1): a branch that is often far off on normal pictures is turned down by how far, so that
 * it does not decide over one that is not.
 */
export type Normalisation = 'moments' | 'quantiles';

/** Shares of the pixels below what goes to 0 and to 1. */
const LOWER = 0.9;
const UPPER = 0.995;

/** Takes the raw maps of a branch's normal pictures, block by block, and says what normalises it. */
export interface ConstantsGatherer {
  /** @throws {DskdError} `numerical-instability` when a pixel is NaN or infinite. */
  add(values: Float32Array): void;
  result(): BranchConstants;
}

/** Keeps no maps: three numbers for `moments`, 4 MB of counts for `quantiles`. */
export function gatherConstants(normalisation: Normalisation): ConstantsGatherer {
  if (normalisation === 'moments') {
    const statistics = new MapStatistics();
    return {
      add: (values) => statistics.add(values),
      result: () => ({ mean: statistics.mean, standardDeviation: statistics.standardDeviation }),
    };
  }
  const quantiles = new MapQuantiles();
  return {
    add: (values) => quantiles.add(values),
    result: () => {
      const zero = quantiles.quantile(LOWER);
      return { mean: zero, standardDeviation: quantiles.quantile(UPPER) - zero };
    },
  };
}
