import { z } from 'zod';
import type { Method, ScoringDefaults } from '../contract.js';
import type { PartPlans } from '../features/feature-model.js';
import {
  assertNoPositions,
  bankOptions,
  piecesOptions,
  pooledOptions,
  subspaceOptions,
} from '../features/part-options.js';

/** Options of the method `instant`, by branch. A branch that is null is left out. */
export const instantOptions = z
  .strictObject({
    /** A bank of patches (PatchCore). */
    local: bankOptions.omit({ storage: true }).nullable().prefault({}),
    /** The residual of a principal subspace (FRE). */
    global: subspaceOptions.omit({ storage: true }).nullable().prefault({}),
    /** A Gaussian of pooled features: what an image is made of, wherever it is. It has no map. */
    pooled: pooledOptions.nullable().prefault({}),
    /**
     * A Gaussian of the number of pieces of each type. It has no map, and is left out where pieces cannot be counted: where their
     * number varies from one good image to the next.
     */
    pieces: piecesOptions.nullable().prefault({}),
    /** Element type of what is learned, in the file. */
    storage: z.enum(['float32', 'float16']).default('float16'),
  })
  .refine(({ local, global, pooled }) => local ?? global ?? pooled, 'local, global or pooled must be there');
export type InstantOptions = z.output<typeof instantOptions>;

/** Chosen on synthetic categories of seed 101 and held against others: bench/fusion.md. */
export const INSTANT_SCORING: ScoringDefaults = {
  normalization: 'image-scores',
  fusion: 'soft-maximum',
  weights: { local: 1, global: 0.7, pooled: 0.5, pieces: 1 },
};

/** The parts of `instant`. */
export function instantPlans({ local, global, pooled, pieces, storage }: InstantOptions): PartPlans {
  return {
    ...(local && { local: { kind: 'bank', options: { ...local, storage } } }),
    ...(global && { global: { kind: 'subspace', options: { ...global, storage } } }),
    ...(pooled && { pooled: { kind: 'pooled', options: pooled } }),
    ...(pieces && { pieces: { kind: 'pieces', options: pieces } }),
  };
}

/** The bank sees tiles; what looks at the whole part sees whole images. */
export const instantTiling: NonNullable<Method<InstantOptions>['tiling']> = (options) => {
  const { local, global, pooled } = options;
  if (local) assertNoPositions('instant', local);
  return {
    tile: local && { ...options, global: null, pooled: null, pieces: null },
    // Pieces come with another part only: they can turn out not to be there.
    whole: global || pooled ? { ...options, local: null } : null,
  };
};
