import { DskdError } from '@dskd/base';
import { z } from 'zod';

// The options of each kind of part, described once: the methods of one part take them as they are, a composite groups
// them by branch.

const count = z.int().positive();

/** Numbers of the teacher's levels, 1 for the shallowest. Left out: which ones depends on the teacher. */
const levels = z.array(count.max(16)).min(1).max(16).optional();

/** Element type of what is learned, in the file. `float16` halves the file; scores are the same before and after. */
const storage = z.enum(['float32', 'float16']).default('float16');

/** A bank of patches. */
export const bankOptions = z.strictObject({
  levels,
  /** Number of the level whose positions are the patches. Left out: the level whose stride is nearest to 8 pixels. */
  gridLevel: count.max(16).optional(),
  embedding: z.enum(['concat', 'official']).default('concat'),
  /** How many patches the bank keeps, or which fraction of all patches of the training images. */
  coreset: z
    .union([z.strictObject({ count }), z.strictObject({ fraction: z.number().positive().max(1) })])
    .default({ count: 1200 }),
  /** Dimensions of the random projection in which the coreset is chosen. */
  projection: count.default(64),
  /** Patches that the coreset is chosen from: with more images, each gives fewer, at least one. Bounds memory and time. */
  maxPatches: count.default(60_000),
  /** Bank rows of Eq. 7's re-weighting of the image score, at least 2; below that there is none, as in the paper's code. */
  reweight: z.int().nonnegative().max(1000).default(0),
  /**
   * How much the position in the image counts, beside the features; 0 for not at all. For parts that always lie in
   * the same place.
   */
  positionWeight: z.number().nonnegative().max(100).default(0),
  storage,
});
export type BankOptions = z.output<typeof bankOptions>;

/** A principal subspace of whole feature maps. */
export const subspaceOptions = z.strictObject({
  levels,
  /**
   * Number of the level whose positions make the map. Left out: the one with about 16 positions along the shorter side, or the
   * deepest of `levels` where that is coarser, or where the map would have more than 100,000 values.
   */
  gridLevel: count.max(16).optional(),
  /** Principal components; at most two fewer than training images. */
  components: count.default(40),
  /** Channels are reduced to so many principal axes first; 0 for not at all. */
  channels: z.int().nonnegative().default(0),
  /** Training images that the subspace is fitted on; of more, so many are drawn. Bounds memory and time. */
  maxImages: count.min(3).default(400),
  storage,
});
export type SubspaceOptions = z.output<typeof subspaceOptions>;

/** A Gaussian of pooled features. */
export const pooledOptions = z.strictObject({
  levels,
  /** What is pooled over the positions of each channel. */
  pooling: z.enum(['mean', 'mean-and-deviation']).default('mean-and-deviation'),
});
export type PooledOptions = z.output<typeof pooledOptions>;

/** A Gaussian of the number of pieces of each type. */
export const piecesOptions = z.strictObject({
  /** Colors that an image is cut into areas by. */
  colors: z.int().min(2).max(16).default(2),
  /** Numbers of types that the pieces are sorted into, each on its own. */
  types: z.array(count.max(64)).min(1).max(8).default([6, 8, 12]),
  /**
   * The largest relative standard deviation of an image's number of pieces, over good images, with which it is counted. The
   * branch is left out where it is larger, its standard error added.
   */
  mostVariation: z.number().positive().max(10).default(0.12),
  /**
   * Training images that pieces are learned from; of more, so many are drawn. Bounds memory and time. Fewer than 24 give no
   * branch.
   */
  maxImages: count.min(8).default(400),
});
export type PiecesOptions = z.output<typeof piecesOptions>;

/** A Gaussian for each position. */
export const positionOptions = z.strictObject({
  levels,
  /** Number of the level whose positions are the Gaussians'. Left out: the shallowest of `levels`. */
  gridLevel: count.max(16).optional(),
  /** Channels that are kept, drawn from all; the covariance of each position has the square of it. */
  channels: count.default(100),
  /** Added to the diagonal of each covariance. */
  ridge: z.number().positive().default(0.01),
  storage: z.enum(['float32', 'float16']).default('float32'),
});
export type PositionOptions = z.output<typeof positionOptions>;

/** Distance of pooled features to those of the nearest training images. */
export const nearestImagesOptions = z.strictObject({
  /** Training images that an image is compared with (K); at most as many as there are. */
  neighbors: count.max(1000).default(5),
});
export type NearestImagesOptions = z.output<typeof nearestImagesOptions>;

/** Set features of crops of feature maps. */
export const setsOptions = z.strictObject({
  levels,
  /** Sides of the crops, as parts of the map's. */
  ratios: z.array(z.number().positive().max(1)).min(1).max(8).default([0.25, 0.5, 0.7, 0.99]),
  /** Random directions that features are projected on. */
  projections: count.max(4096).default(200),
  /** Thresholds on each direction. */
  thresholds: count.max(64).default(5),
  /** Of the covariance of an image's vectors towards a multiple of the identity; it is inverted, so not 0. */
  shrinkage: z.number().positive().max(1).default(0.1),
  /** Training images that are compared with; of more, so many are drawn. Bounds memory, time and the file. */
  maxImages: count.min(3).default(200),
  storage,
});
export type SetsOptions = z.output<typeof setsOptions>;

/** A gallery of the features of all training images. */
export const galleryOptions = nearestImagesOptions.extend({
  levels,
  /** Whether the distances of all levels are averaged, or distances are those of vectors of all levels. */
  combine: z.enum(['mean', 'concat']).default('mean'),
  storage,
});
export type GalleryOptions = z.output<typeof galleryOptions>;

/**
 * Refuses a bank that weighs positions where images are cut into tiles.
 * @throws {DskdError} `invalid-config`
 */
export function assertNoPositions(
  method: string,
  { positionWeight }: Pick<BankOptions, 'positionWeight'>,
): void {
  if (positionWeight === 0) return;
  throw new DskdError(
    'invalid-config',
    `Got positionWeight ${positionWeight} for the method ${method} on tiles; wanted 0: a position in a tile is none in the part.`,
    { hint: 'Leave positionWeight out, or train without tiles.' },
  );
}
