import { DskdError } from '@dskd/base';
import { upsampleBilinear } from '@dskd/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor3D } from '@tensorflow/tfjs-core';
import { checkNormalization, type BranchNormalization } from './normalization.js';
import { fuseMaps, type FusionRule } from './fusion-rule.js';
import { smoothMaps } from './smooth-maps.js';

// From the level maps of each branch to image scores:
//   A_b = sum over levels of upsample(A_b,l)                 fuseLevels
//   A   = sum over branches b of (A_b - offset_b) / scale_b   scoreBranches (Eq. 8 of the paper; fusion-rule.ts)
//   score = max over pixels of Gaussian(A)                   scoreBranches, imageScores

export interface FuseLevelsOptions {
  /** As `torch.nn.functional.interpolate(..., align_corners=...)`. Default `true`, as in the method. */
  readonly alignCorners?: boolean;
}

/**
 * One raw anomaly map per image: the level maps, upsampled to `size` and summed.
 * @param maps one per level, `[batch, height_l, width_l]`, at least one.
 * @param size `[height, width]` of the result, usually that of the network's input.
 * @returns `[batch, height, width]`. The caller disposes it; `maps` stay.
 * @throws {DskdError} `invalid-argument` without maps, `shape-mismatch` when their batches differ.
 */
export function fuseLevels(
  maps: readonly Tensor3D[],
  size: readonly [number, number],
  { alignCorners = true }: FuseLevelsOptions = {},
): Tensor3D {
  const batches = maps.map((map) => map.shape[0]);
  if (maps.length === 0) {
    throw new DskdError('invalid-argument', 'Got no maps to fuse; wanted one per level, at least one.');
  }
  if (batches.some((batch) => batch !== batches[0])) {
    throw new DskdError(
      'shape-mismatch',
      `Got levels with batches of ${batches.join(', ')} maps; wanted the same number at every level.`,
      { details: { batches } },
    );
  }
  return tf.tidy(() => {
    const upsampled = maps.map((map) => upsampleBilinear(map, [size[0], size[1]], { alignCorners }));
    return upsampled.reduce((sum, map) => tf.add(sum, map));
  });
}

/** Values by branch name. */
type ByBranch<T> = ReadonlyMap<string, T> | Readonly<Record<string, T>>;

function entriesOf<T>(values: ByBranch<T>): Map<string, T> {
  return values instanceof Map ? new Map<string, T>(values) : new Map<string, T>(Object.entries(values));
}

export interface ScoreBranchesOptions {
  /** Standard deviation of the Gaussian in pixels, at least 0; see {@link defaultSigma}. */
  readonly sigma: number;
  /**
   * `[height, width]` of the results and of the masks. Maps of another size are resized as they are smoothed, bilinear,
   * pixels being areas; each branch then can have a size of its own. Default: the size of the maps.
   */
  readonly size?: readonly [number, number];
  /**
   * One mask per image: `height * width` values, row by row, not 0 where a pixel is ignored; null where none is.
   * Ignored pixels do not influence others, and their own value is the lowest of their map. Default: none is. Or the opposite
   * as a tensor: `bool` `[batch, ...size]`, false where a pixel is ignored; nothing is checked then.
   */
  readonly ignored?: readonly (Uint8Array | null)[] | Tensor3D;
  /** The factor of each branch's normalized map. Default 1 for every branch, as in the paper. */
  readonly weights?: ByBranch<number>;
  /** How the weighted maps become one. Default `sum`, as in the paper. */
  readonly rule?: FusionRule;
}

/** Smoothed anomaly maps, `[batch, height, width]`. The caller disposes all of them. */
export interface ScoredBranches {
  /** The weighted `branches` as one. */
  readonly fused: Tensor3D;
  /** The normalized and smoothed map of each branch, without its weight, in the order of the raw maps. */
  readonly branches: ReadonlyMap<string, Tensor3D>;
}

function checkBranches(
  maps: ReadonlyMap<string, Tensor3D>,
  normalizations: ReadonlyMap<string, BranchNormalization>,
  weights: ReadonlyMap<string, number>,
  size: readonly [number, number] | undefined,
): void {
  const names = [...maps.keys()];
  if (names.length === 0) {
    throw new DskdError('invalid-argument', 'Got no branches to fuse; wanted at least one map.');
  }
  for (const [branch, weight] of weights) {
    if (maps.has(branch) && Number.isFinite(weight)) continue;
    throw new DskdError(
      'invalid-argument',
      `Got weight ${weight} for branch '${branch}'; wanted finite weights for ${names.join(', ')}.`,
      { details: { branch, weight, branches: names } },
    );
  }
  const { shape } = maps.get(names[0]!)!;
  for (const [branch, map] of maps) {
    const normalization = normalizations.get(branch);
    if (normalization === undefined) {
      const known = [...normalizations.keys()];
      throw new DskdError(
        'invalid-argument',
        `Branch '${branch}' has no normalization; got one for ${known.join(', ') || 'none'}.`,
        { details: { branch, normalizations: known } },
      );
    }
    if (map.shape[0] !== shape[0] || (!size && map.shape.join() !== shape.join())) {
      throw new DskdError(
        'shape-mismatch',
        `Branch '${branch}' has a map of [${map.shape.join(', ')}]; wanted [${shape.join(', ')}], as the others.`,
        { details: { branch, got: map.shape, wanted: shape } },
      );
    }
    checkNormalization(normalization, branch);
  }
}

/**
 * Eq. 8 of the paper, then the Gaussian: each raw map is normalized, `(map - offset) / scale`, smoothed, and the
 * weighted maps are added, or fused by another rule. Smoothing is linear: the sum of the smoothed maps is the smoothed
 * sum.
 * @param maps raw map of each branch, as {@link fuseLevels} returns it, all `[batch, height, width]`; of smaller ones
 * `options.size` says what they become.
 * @param normalizations of every branch in `maps`; others are not used.
 * @returns the maps of the branches and their sum, new tensors `[batch, ...size]` that the caller disposes;
 * `maps` stay.
 * @throws {DskdError} `numerical-instability` naming the branch that cannot be normalized; `invalid-argument`
 * without maps, without a branch's normalization, for the weight of an unknown branch or one that is not finite,
 * a mask that covers a whole image or such a sigma; `shape-mismatch` when the maps' shapes differ or a mask has
 * another size.
 */
export function scoreBranches(
  maps: ByBranch<Tensor3D>,
  normalizations: ByBranch<BranchNormalization>,
  { sigma, size, ignored, weights = {}, rule = 'sum' }: ScoreBranchesOptions,
): ScoredBranches {
  const mapOf = entriesOf(maps);
  const normalizationOf = entriesOf(normalizations);
  const weightOf = entriesOf(weights);
  checkBranches(mapOf, normalizationOf, weightOf, size);
  const names = [...mapOf.keys()];
  const [fused, ...smoothed] = tf.tidy<[Tensor3D, ...Tensor3D[]]>(() => {
    const branches = names.map((name) => {
      const { offset, scale } = normalizationOf.get(name)!;
      return tf.tidy(() => {
        const normalized = tf.div<Tensor3D>(tf.sub(mapOf.get(name)!, offset), scale);
        return smoothMaps(normalized, sigma, { ...(ignored && { ignored }), ...(size && { size }) });
      });
    });
    const terms = branches.map((map, i) => {
      const weight = weightOf.get(names[i]!) ?? 1;
      return weight === 1 ? map : tf.mul<Tensor3D>(map, weight);
    });
    return [fuseMaps(rule, terms), ...branches];
  });
  return { fused, branches: new Map(names.map((name, i) => [name, smoothed[i]!])) };
}

/**
 * The Gaussian's standard deviation in pixels for maps of `[height, width]`: 4 at 256, in proportion to the
 * shorter side.
 */
export function defaultSigma([height, width]: readonly [number, number]): number {
  return (4 * Math.min(height, width)) / 256;
}

function usedPixels(ignored: Uint8Array, [, height, width]: Tensor3D['shape']): Int32Array {
  if (ignored.length !== height * width) {
    throw new DskdError(
      'shape-mismatch',
      `Got an ignore mask of ${ignored.length} pixels; wanted ${height} x ${width}, as the maps.`,
      { details: { got: ignored.length, height, width } },
    );
  }
  const used = Int32Array.from(ignored.keys()).filter((index) => ignored[index] === 0);
  if (used.length === 0) {
    throw new DskdError(
      'invalid-argument',
      'The ignore mask covers every pixel; wanted at least one to score.',
    );
  }
  return used;
}

/**
 * The score of each image: the maximum of its smoothed map at network size. So an image's score exceeds a
 * threshold exactly when some pixel of its map does, and one threshold serves for images, pixels and regions.
 * @param smoothed `[batch, height, width]`.
 * @param options.ignored `height * width` values, row by row; pixels that are not 0 are left out. With maps that
 * were smoothed without this mask, an anomaly inside it can still reach over its edge by the Gaussian's radius.
 * @returns one score per image.
 * @throws {DskdError} `numerical-instability` when a used pixel is NaN or infinite; `shape-mismatch` when the
 * ignore mask has another size; `invalid-argument` when it covers everything.
 */
export async function imageScores(
  smoothed: Tensor3D,
  { ignored }: { readonly ignored?: Uint8Array } = {},
): Promise<Float32Array> {
  const [batch, height, width] = smoothed.shape;
  const used = ignored && usedPixels(ignored, smoothed.shape);
  const [maxima, sums] = tf.tidy(() => {
    const flat = tf.reshape(smoothed, [batch, height * width]);
    const pixels = used ? tf.gather(flat, tf.tensor1d(used, 'int32'), 1) : flat;
    return [tf.max<Tensor1D>(pixels, 1), tf.sum<Tensor1D>(pixels, 1)];
  });
  try {
    const [scores, checks] = (await Promise.all([maxima.data(), sums.data()])) as [
      Float32Array,
      Float32Array,
    ];
    // The maximum of some backends ignores NaN; a sum never does.
    const broken = checks.findIndex((check, i) => !Number.isFinite(check) || !Number.isFinite(scores[i]));
    if (broken >= 0) {
      throw new DskdError(
        'numerical-instability',
        `The anomaly map of image ${broken} of the batch holds NaN or infinity; wanted finite values.`,
        { hint: 'The network has diverged, or the image was not finite.', details: { image: broken } },
      );
    }
    return scores.slice();
  } finally {
    tf.dispose([maxima, sums]);
  }
}
