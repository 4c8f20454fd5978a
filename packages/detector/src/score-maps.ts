import type { FeatureExtractor } from '@dskd/core';
import { fuseLevels, imageScores, scoreBranches, type BranchNormalization } from '@dskd/scoring';
import * as tf from '@tensorflow/tfjs-core';
import type { BranchModel } from './branches.js';
import type { FusionRule } from './fusion-rule.js';

/** The maps and scores of a batch: the smoothed, normalized map of each branch, and their sum (Eq. 8). */
export interface ScoredBatch {
  readonly fused: ScoredMaps;
  readonly branches: ReadonlyMap<string, ScoredMaps>;
}

export interface ScoredMaps {
  /** `[batch, height, width]`, row-major. */
  readonly maps: Float32Array;
  /** One per image: the maximum of its map. */
  readonly scores: Float32Array;
}

/**
 * One raw map per branch: anomaly maps of all levels, upsampled to the input size and summed.
 * @param images float32 `[batch, height, width, 3]`, RGB, 0..1; the caller keeps it.
 * @returns `[batch, height, width]` by branch name; the caller disposes them.
 */
export async function rawMaps(
  images: tf.Tensor4D,
  extractor: FeatureExtractor,
  branches: readonly BranchModel[],
  rule: FusionRule,
): Promise<Map<string, tf.Tensor3D>> {
  const [, height, width] = images.shape;
  const features = await extractor.extract(images);
  const maps = new Map<string, tf.Tensor3D>();
  try {
    for (const { name, student, objective } of branches) {
      maps.set(
        name,
        tf.tidy(() => {
          const predictions = student.forward(features, { training: false });
          return fuseLevels(objective.map(features, predictions), [height, width], rule);
        }),
      );
    }
    return maps;
  } catch (error) {
    tf.dispose([...maps.values()]);
    throw error;
  } finally {
    tf.dispose(features);
  }
}

/**
 * Normalizes each branch's raw map, smooths it over the pixels that count and adds them up. Smoothing is linear,
 * so smoothing the branches and adding is smoothing the sum.
 * @param raw as {@link rawMaps} gives; the caller keeps it.
 * @param ignored one per image: `[height * width]`, not 0 where a pixel does not count, or null where all do.
 * What is ignored reaches no pixel that counts; its own value is no higher than any of those.
 */
export async function scoreRawMaps(
  raw: ReadonlyMap<string, tf.Tensor3D>,
  normalizations: ReadonlyMap<string, BranchNormalization>,
  rule: FusionRule,
  ignored?: readonly (Uint8Array | null)[],
): Promise<ScoredBatch> {
  const { fused, branches: smoothed } = scoreBranches(raw, normalizations, {
    sigma: rule.sigma,
    ...(ignored && { ignored }),
  });
  try {
    const branches = new Map<string, ScoredMaps>();
    for (const [name, map] of smoothed) branches.set(name, await download(map));
    return { fused: await download(fused), branches };
  } finally {
    tf.dispose([fused, ...smoothed.values()]);
  }
}

async function download(map: tf.Tensor3D): Promise<ScoredMaps> {
  const scores = await imageScores(map);
  return { maps: (await map.data()) as Float32Array, scores };
}
