import { upsampleBilinear } from '@dskd/core';
import type { AnomalyModel, BranchOutput } from '@dskd/methods';
import { imageScores, scoreBranches, type BranchNormalization } from '@dskd/scoring';
import * as tf from '@tensorflow/tfjs-core';

/** What one score gives for a batch of images. */
export interface ScoredMaps {
  /** `[batch, height, width]`, row-major; null for a branch without a map. */
  readonly maps: Float32Array | null;
  /** One per image: the maximum of its map, or the normalized score of a branch without one. */
  readonly scores: Float32Array;
}

/** The smoothed, normalized map of each branch, and their sum (Eq. 8), with the image scores. */
export interface ScoredBatch {
  readonly fused: ScoredMaps & { readonly maps: Float32Array };
  readonly branches: ReadonlyMap<string, ScoredMaps>;
}

/**
 * The model's raw outputs, their maps at the network's input size.
 * @param images float32 `[batch, height, width, 3]`, RGB, 0..1; the caller keeps it.
 * @returns one per branch; the caller disposes their maps.
 */
export async function rawOutputs(model: AnomalyModel, images: tf.Tensor4D): Promise<BranchOutput[]> {
  const [, height, width] = images.shape;
  const outputs = await model.score(images);
  return outputs.map((output) => {
    const { map } = output;
    if (!map || (map.shape[1] === height && map.shape[2] === width)) return output;
    const whole = upsampleBilinear(map, [height, width], { alignCorners: false });
    map.dispose();
    return { ...output, map: whole };
  });
}

/** Disposes the maps of raw outputs. */
export function disposeOutputs(outputs: readonly BranchOutput[]): void {
  for (const { map } of outputs) map?.dispose();
}

/** The image scores of a branch without a map, normalized. */
function normalizedScores(scores: Float32Array, { offset, scale }: BranchNormalization): Float32Array {
  return scores.map((score) => (score - offset) / scale);
}

/**
 * Normalizes each branch, smooths its map over the pixels that count and adds the maps up (Eq. 8). A branch without a
 * map adds its normalized score to the image score.
 * @param outputs as {@link rawOutputs} gives; the caller keeps them. At least one has a map.
 * @param ignored one per image: `[height * width]`, not 0 where a pixel does not count, or null where all do.
 */
export async function scoreOutputs(
  outputs: readonly BranchOutput[],
  normalizations: ReadonlyMap<string, BranchNormalization>,
  sigma: number,
  ignored: readonly (Uint8Array | null)[],
): Promise<ScoredBatch> {
  const raw = new Map<string, tf.Tensor3D>();
  for (const { name, map } of outputs) if (map) raw.set(name, map);
  const scored = scoreBranches(raw, normalizations, { sigma, ignored });
  try {
    const { maps, scores } = await download(scored.fused);
    const branches = new Map<string, ScoredMaps>();
    for (const { name, scores: own } of outputs) {
      const smoothed = scored.branches.get(name);
      if (smoothed) {
        branches.set(name, await download(smoothed));
        continue;
      }
      const branch = { maps: null, scores: normalizedScores(own!, normalizations.get(name)!) };
      branches.set(name, branch);
      branch.scores.forEach((score, image) => (scores[image]! += score));
    }
    return { fused: { maps, scores }, branches };
  } finally {
    tf.dispose([scored.fused, ...scored.branches.values()]);
  }
}

async function download(map: tf.Tensor3D): Promise<ScoredBatch['fused']> {
  const scores = await imageScores(map);
  return { maps: (await map.data()) as Float32Array, scores };
}
