import type { Normalization } from '@dskd/scoring';
import type { DetectorDescription } from './description.js';

/** How maps become scores; part of the artifact. */
export interface FusionRule {
  readonly alignCorners: boolean;
  /** Standard deviation of the Gaussian filter, in pixels of the network's input. 0 for none. */
  readonly sigma: number;
  /** What of the normal images' maps normalizes a branch. */
  readonly normalization: Normalization;
}

/** The rule that a detector was calibrated with. */
export function ruleOf({ fusion }: DetectorDescription): FusionRule {
  const { alignCorners, sigma, normalization } = fusion;
  return { alignCorners, sigma, normalization };
}
