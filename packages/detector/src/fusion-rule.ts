import type { Normalisation } from '@dskd/scoring';
import type { DetectorDescription } from './description.js';

/** How maps become scores; part of the artefact. */
export interface FusionRule {
  readonly alignCorners: boolean;
  /** Standard deviation of the Gaussian filter, in pixels of the network's input. 0 for none. */
  readonly sigma: number;
  /** What of the normal pictures' maps normalises a branch. */
  readonly normalisation: Normalisation;
}

/** The rule that a detector was calibrated with. */
export function ruleOf({ fusion }: DetectorDescription): FusionRule {
  const { alignCorners, sigma, normalisation } = fusion;
  return { alignCorners, sigma, normalisation };
}
