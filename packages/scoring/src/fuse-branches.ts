import { DskdError } from '@dskd/base';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor3D } from '@tensorflow/tfjs-core';

/** Over all pixels of a branch's maps of normal pictures; a {@link MapStatistics} will do. */
export interface BranchConstants {
  /** What becomes 0. */
  readonly mean: number;
  /** What is that far above becomes 1. */
  readonly standardDeviation: number;
}

/** Values by branch name. */
export type ByBranch<T> = ReadonlyMap<string, T> | Readonly<Record<string, T>>;

function entriesOf<T>(values: ByBranch<T>): Map<string, T> {
  return values instanceof Map ? new Map<string, T>(values) : new Map<string, T>(Object.entries(values));
}

/** Below this share of the mean, float32 maps vary by nothing but rounding. */
const FLOAT32_RESOLUTION = 2 ** -24;

function checkConstants({ mean, standardDeviation }: BranchConstants, branch: string): void {
  const usable =
    Number.isFinite(mean) &&
    Number.isFinite(standardDeviation) &&
    standardDeviation > FLOAT32_RESOLUTION * Math.abs(mean);
  if (usable) return;
  throw new DskdError(
    'numerical-instability',
    `Branch '${branch}' cannot be normalised: got mean ${mean} and standard deviation ${standardDeviation} ` +
      'over the normal pictures; wanted finite numbers and maps that vary.',
    {
      hint: 'A branch whose map is the same everywhere has not been trained, or has seen no pictures.',
      details: { branch, mean, standardDeviation },
    },
  );
}

/**
 * `(map - mean) / standardDeviation`.
 * @param map `[batch, height, width]`.
 * @param branch the name that an error gives.
 * @returns the same shape. The caller disposes it; `map` stays.
 * @throws {DskdError} `numerical-instability` when the constants are not finite or the standard deviation is
 * zero (or too small for float32 beside the mean).
 */
export function normaliseMap(map: Tensor3D, constants: BranchConstants, branch = 'map'): Tensor3D {
  checkConstants(constants, branch);
  return tf.tidy(() => tf.div(tf.sub(map, constants.mean), constants.standardDeviation));
}

/**
 * Eq. 8 of the paper: the sum over branches of the normalised maps, each times its weight.
 * @param maps one per branch, all `[batch, height, width]`.
 * @param constants for every branch in `maps`; others are not used.
 * @param weights default 1 for every branch, as in the paper.
 * @returns `[batch, height, width]`. The caller disposes it; `maps` stay.
 * @throws {DskdError} `numerical-instability` naming the branch that cannot be normalised; `invalid-argument`
 * without maps, without a branch's constants, for the weight of an unknown branch or one that is not finite;
 * `shape-mismatch` when the maps' shapes differ.
 */
export function fuseBranches(
  maps: ByBranch<Tensor3D>,
  constants: ByBranch<BranchConstants>,
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
      const branchConstants = constantsOf.get(branch);
      if (branchConstants === undefined) {
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
      const normalised = normaliseMap(map, branchConstants, branch);
      const weight = weightOf.get(branch) ?? 1;
      return weight === 1 ? normalised : tf.mul<Tensor3D>(normalised, weight);
    });
    return parts.reduce((sum, part) => tf.add(sum, part));
  });
}
