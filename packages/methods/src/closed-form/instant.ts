import { z } from 'zod';
import type { ScoringDefaults } from '../contract.js';
import type { PartPlans } from '../features/feature-model.js';
import { bankOptions, pooledOptions, subspaceOptions } from '../features/part-options.js';

/** Options of the method `instant`, by branch. A branch that is null is left out. */
export const instantOptions = z.strictObject({
  /** A bank of patches (PatchCore). */
  local: bankOptions.omit({ storage: true }).prefault({}),
  /** The residual of a principal subspace (FRE). */
  global: subspaceOptions.omit({ storage: true }).nullable().prefault({}),
  /** A Gaussian of pooled features: what an image is made of, wherever it is. It has no map. */
  pooled: pooledOptions.nullable().prefault({}),
  /** Element type of what is learned, in the file. */
  storage: z.enum(['float32', 'float16']).default('float16'),
});
export type InstantOptions = z.output<typeof instantOptions>;

/** Chosen on synthetic categories of seed 101 and held against others: bench/fusion.md. */
export const INSTANT_SCORING: ScoringDefaults = {
  normalization: 'image-scores',
  fusion: 'soft-maximum',
  weights: { local: 1, global: 0.7, pooled: 0.5 },
};

/** The parts of `instant`. */
export function instantPlans({ local, global, pooled, storage }: InstantOptions): PartPlans {
  return {
    local: { kind: 'bank', options: { ...local, storage } },
    ...(global && { global: { kind: 'subspace', options: { ...global, storage } } }),
    ...(pooled && { pooled: { kind: 'pooled', options: pooled } }),
  };
}
