import { z } from 'zod';
import type { Method } from '../contract.js';
import { TRAINING_DEFAULTS } from '../defaults.js';
import { estimateParts } from '../features/estimate.js';
import { fitFeatureModel, restoreFeatureModel, type PartPlans } from '../features/feature-model.js';
import {
  assertNoPositions,
  bankOptions,
  pooledOptions,
  positionOptions,
  setsOptions,
  subspaceOptions,
  type BankOptions,
  type PooledOptions,
  type PositionOptions,
  type SetsOptions,
  type SubspaceOptions,
} from '../features/part-options.js';
import {
  INSTANT_SCORING,
  instantOptions,
  instantPlans,
  instantTiling,
  type InstantOptions,
} from './instant.js';
import { spadeAlternatives, spadeOptions, spadePlans, type SpadeOptions } from './spade.js';

/** What differs from one method in closed form to the next. */
interface Recipe<Options> {
  readonly name: string;
  readonly summary: string;
  readonly options: z.ZodType<Options>;
  readonly profiles: Method<Options>['profiles'];
  readonly plans: (options: Options) => PartPlans;
  /** Element type that the parts round their matrices to. */
  readonly storage: (options: Options) => 'float32' | 'float16' | undefined;
  readonly scoring?: Method<Options>['scoring'];
  readonly tiling?: Method<Options>['tiling'];
  readonly alternatives?: Method<Options>['alternatives'];
}

function methodOf<Options>(recipe: Recipe<Options>): Method<Options> {
  const { name, plans, storage, scoring, tiling, alternatives } = recipe;
  return {
    name,
    summary: recipe.summary,
    options: recipe.options,
    profiles: recipe.profiles,
    needs: { teacher: true, validation: true },
    looksOnce: true,
    keepsPatches: (options) => Object.values(plans(options)).some(({ kind }) => kind === 'bank'),
    preferredSide: TRAINING_DEFAULTS.preferredSide,
    ...(scoring && { scoring }),
    ...(tiling && { tiling }),
    ...(alternatives && { alternatives }),
    estimate: (plan, options) => estimateParts(name, plan, plans(options)),
    fit: (input, options) => fitFeatureModel(name, input, plans(options), storage(options)),
    restore: (saved, context) => Promise.resolve().then(() => restoreFeatureModel(name, saved, context)),
  };
}

/** PatchCore (Roth et al., CVPR 2022). The profile `paper` is PatchCore-25. */
export const patchcoreMethod = methodOf<BankOptions>({
  name: 'patchcore',
  summary: 'a bank of good patches, distance to the nearest (Roth et al., CVPR 2022)',
  options: bankOptions,
  profiles: {
    paper: bankOptions.parse({
      levels: [2, 3],
      embedding: 'official',
      coreset: { fraction: 0.25 },
      projection: 128,
      maxPatches: 1_000_000,
      storage: 'float32',
    }),
    lite: bankOptions.parse({}),
  },
  plans: (options) => ({ local: { kind: 'bank', options } }),
  storage: ({ storage }) => storage,
  tiling: (options) => {
    assertNoPositions('patchcore', options);
    return { tile: options, whole: null };
  },
});

/** FRE (Ndiour et al., 2022). */
export const freMethod = methodOf<SubspaceOptions>({
  name: 'fre',
  summary: 'what a principal subspace of good feature maps leaves over (Ndiour et al., 2022)',
  options: subspaceOptions,
  profiles: {
    paper: subspaceOptions.parse({ storage: 'float32' }),
    lite: subspaceOptions.parse({}),
  },
  plans: (options) => ({ global: { kind: 'subspace', options } }),
  storage: ({ storage }) => storage,
});

/** The score of PUAD's pooled Gaussian (Sugawara and Imamura, 2024). It has no map: it says whether, not where. */
export const gaussianMethod = methodOf<PooledOptions>({
  name: 'gaussian',
  summary: 'the Mahalanobis distance of pooled features, without a map (PUAD, Sugawara and Imamura, 2024)',
  options: pooledOptions,
  profiles: { paper: pooledOptions.parse({ pooling: 'mean' }), lite: pooledOptions.parse({}) },
  plans: (options) => ({ global: { kind: 'pooled', options } }),
  storage: () => undefined,
});

/** PaDiM (Defard et al., 2020). */
export const padimMethod = methodOf<PositionOptions>({
  name: 'padim',
  summary: 'a Gaussian of patch vectors at each position (Defard et al., 2020)',
  options: positionOptions,
  profiles: {
    paper: positionOptions.parse({ levels: [1, 2, 3] }),
    lite: positionOptions.parse({}),
  },
  plans: (options) => ({ local: { kind: 'positions', options } }),
  storage: ({ storage }) => storage,
});

/** SPADE (Cohen and Hoshen, 2020). */
export const spadeMethod = methodOf<SpadeOptions>({
  name: 'spade',
  summary:
    'a gallery of the most similar good images, distance to the nearest position (Cohen and Hoshen, 2020)',
  options: spadeOptions,
  profiles: {
    paper: spadeOptions.parse({
      levels: [1, 2, 3],
      neighbors: 50,
      combine: 'concat',
      imageScore: 'knn',
      storage: 'float32',
    }),
    lite: spadeOptions.parse({}),
  },
  plans: spadePlans,
  storage: ({ storage }) => storage,
  alternatives: spadeAlternatives,
});

/** SINBAD (Cohen, Tzachor and Hoshen, 2023), on crops of feature maps. It has no map: it says whether, not where. */
export const sinbadMethod = methodOf<SetsOptions>({
  name: 'sinbad',
  summary: 'how features are distributed in crops, without a map (SINBAD, Cohen, Tzachor and Hoshen, 2023)',
  options: setsOptions,
  profiles: {
    paper: setsOptions.parse({ projections: 1000, maxImages: 1000, storage: 'float32' }),
    lite: setsOptions.parse({}),
  },
  plans: (options) => ({ global: { kind: 'sets', options } }),
  storage: ({ storage }) => storage,
});

/** A bank, a subspace and a pooled Gaussian. */
export const instantMethod = methodOf<InstantOptions>({
  name: 'instant',
  summary: 'learns in seconds: a bank of patches, a subspace of feature maps, a Gaussian of pooled features',
  options: instantOptions,
  profiles: { lite: instantOptions.parse({}) },
  plans: instantPlans,
  storage: ({ storage }) => storage,
  scoring: () => INSTANT_SCORING,
  tiling: instantTiling,
});
