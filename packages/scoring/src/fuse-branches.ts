import { DskdError } from '@dskd/base';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor3D } from '@tensorflow/tfjs-core';

/** What normalizes a branch's map: `(map - offset) / scale`. */
export interface BranchNormalization {
  /** The value of the raw map that becomes 0: the mean over normal images, or a quantile. */
  readonly offset: number;
  /** What is that far above `offset` becomes 1: the standard deviation, or the distance of two quantiles. */
  readonly scale: number;
}

/** Values by branch name. */
export type ByBranch<T> = ReadonlyMap<string, T> | Readonly<Record<string, T>>;

function entriesOf<T>(values: ByBranch<T>): Map<string, T> {
  return values instanceof Map ? new Map<string, T>(values) : new Map<string, T>(Object.entries(values));
}

/** Below this share of the offset, float32 maps vary by nothing but rounding. */
const FLOAT32_RESOLUTION = 2 ** -24;

function checkNormalization({ offset, scale }: BranchNormalization, branch: string): void {
  const usable =
    Number.isFinite(offset) && Number.isFinite(scale) && scale > FLOAT32_RESOLUTION * Math.abs(offset);
  if (usable) return;
  throw new DskdError(
    'numerical-instability',
    `Branch '${branch}' cannot be normalized: got offset ${offset} and scale ${scale} ` +
      'from the normal images; wanted finite numbers and maps that vary.',
    {
      hint: 'A branch whose map is the same everywhere has not been trained, or has seen no images.',
      details: { branch, offset, scale },
    },
  );
}

/**
 * `(map - offset) / scale`.
 * @param map `[batch, height, width]`.
 * @param branch the name that an error gives.
 * @returns the same shape. The caller disposes it; `map` stays.
 * @throws {DskdError} `numerical-instability` when offset or scale is not finite, or the scale is
 * zero (or too small for float32 beside the offset).
 */
export function normalizeMap(map: Tensor3D, normalization: BranchNormalization, branch = 'map'): Tensor3D {
  checkNormalization(normalization, branch);
  return tf.tidy(() => tf.div(tf.sub(map, normalization.offset), normalization.scale));
}

/**
 * Eq. 8 of the paper: the sum over branches of the normalized maps, each times its weight.
 * @param maps one per branch, all `[batch, height, width]`.
 * @param constants for every branch in `maps`; others are not used.
 * @param weights default 1 for every branch, as in the paper.
 * @returns `[batch, height, width]`. The caller disposes it; `maps` stay.
 * @throws {DskdError} `numerical-instability` naming the branch that cannot be normalized; `invalid-argument`
 * without maps, without a branch's constants, for the weight of an unknown branch or one that is not finite;
 * `shape-mismatch` when the maps' shapes differ.
 */
export function fuseBranches(
  maps: ByBranch<Tensor3D>,
  constants: ByBranch<BranchNormalization>,
  weights: ByBranch<number> = {},
): Tensor3D {
  const mapOf = entriesOf(maps);
  const constantsOf = entriesOf(constants);
  const weightOf = entriesOf(weights);
  const branches = [...mapOf.keys()];
  if (branches.length === 0) {
    throw new DskdError('invalid-argument', 'Got no branches to fuse; wanted at least one map.');
  }
  for (const [branch, weight] of weightOf) {
    if (!mapOf.has(branch) || !Number.isFinite(weight)) {
      throw new DskdError(
        'invalid-argument',
        `Got weight ${weight} for branch '${branch}'; wanted finite weights for ${branches.join(', ')}.`,
        { details: { branch, weight, branches } },
      );
    }
  }
  const shape = mapOf.get(branches[0]!)!.shape;
  return tf.tidy(() => {
    const parts = [...mapOf].map(([branch, map]) => {
      const branchNormalization = constantsOf.get(branch);
      if (branchNormalization === undefined) {
        throw new DskdError(
          'invalid-argument',
          `Branch '${branch}' has no constants; got them for ${[...constantsOf.keys()].join(', ') || 'none'}.`,
          { details: { branch, constants: [...constantsOf.keys()] } },
        );
      }
      if (map.shape.join() !== shape.join()) {
        throw new DskdError(
          'shape-mismatch',
          `Branch '${branch}' has a map of [${map.shape.join(', ')}]; wanted [${shape.join(', ')}], as the others.`,
          { details: { branch, got: map.shape, wanted: shape } },
        );
      }
      const normalized = normalizeMap(map, branchNormalization, branch);
      const weight = weightOf.get(branch) ?? 1;
      return weight === 1 ? normalized : tf.mul<Tensor3D>(normalized, weight);
    });
    return parts.reduce((sum, part) => tf.add(sum, part));
  });
}
