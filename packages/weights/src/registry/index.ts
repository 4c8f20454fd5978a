import { DskdError } from '@dskd/base';
import type { WeightsEntry } from './entry.js';
import { TIMM_WEIGHTS } from './timm.js';
import { TORCHVISION_WEIGHTS } from './torchvision.js';

export type {
  DownloadSource,
  RecommendedPreparation,
  WeightsEntry,
  WeightsInputTransform,
  WeightsLicense,
} from './entry.js';

/** Public weights that are known by name. */
export const WEIGHTS: readonly WeightsEntry[] = [...TORCHVISION_WEIGHTS, ...TIMM_WEIGHTS];

/**
 * The entry of that name: a backbone's own name stands for torchvision's first recipe.
 * @throws {DskdError} `invalid-argument` for an unknown name, listing the known ones.
 */
export function findWeights(name: string): WeightsEntry {
  const found = WEIGHTS.find((entry) => entry.name === name);
  if (!found) {
    throw new DskdError('invalid-argument', `No weights are known under the name '${name}'.`, {
      hint: `Known are ${WEIGHTS.map((entry) => entry.name).join(', ')}.`,
      details: { got: name, wanted: WEIGHTS.map((entry) => entry.name) },
    });
  }
  return found;
}
